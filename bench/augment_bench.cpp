// Images a second and core that policies and single operations make; bench/augment_pil.py is PIL's side.
#include <benchmark/benchmark.h>

#include <vector>

#include "fewlabel/random.h"
#include "fewlabel/transform.h"
#include "modalities/image/augment/operations.h"

namespace fewlabel {
namespace {

std::vector<uint8_t> noisy(const ImageShape& shape) {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(shape.bytes()));
  Random random({.seed = 1, .purpose = "bench"});
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<uint8_t>(30 + i * 100 / pixels.size() + random.below(80));
  }
  return pixels;
}

void run(benchmark::State& state, const std::string& policy, const ImageShape& shape) {
  const auto transform = make_image_transform(policy);
  const auto in = noisy(shape);
  std::vector<uint8_t> out(in.size());
  uint64_t index = 0;
  for (auto _ : state) {
    Random random({.seed = 1, .purpose = "augment/unlabeled", .index = index++});
    transform->apply(in.data(), shape, out.data(), random);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}

const bool registered = [] {
  const std::string weak = "flip+crop(0.125)", strong = weak + "+randaugment(n=2)+cutout(0.5)";
  const std::string views = "resized_crop(0.2..1)+flip+color_jitter(0.5)+grayscale";
  for (const ImageShape shape : {ImageShape{32, 32, 3}, {28, 28, 1}, {96, 96, 3}, {224, 224, 3}}) {
    const std::string size = "/" + std::to_string(shape.height) + "x" + std::to_string(shape.channels);
    const auto add = [&](const std::string& name, const std::string& policy) {
      benchmark::RegisterBenchmark((name + size).c_str(), run, policy, shape);
    };
    add("weak", weak);
    add("strong", strong);
    add("simclr", views);
    add("simclr+blur", views + "+blur(0.5)");
    if (shape.height != 32) continue;
    for (const char* step : {"none", "flip(1)", "crop", "cutout"}) add(step, step);
    for (const augment::OperationInfo& info : augment::operations()) add(info.name, info.name);
  }
  return true;
}();

}  // namespace
}  // namespace fewlabel
