#include "app/sampling.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/work.h"
#include "eval/pictures.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"

namespace fewlabel {
namespace {

constexpr int64_t kSamplesAtATime = 20;  // samples drawn at a time

}  // namespace

Sampler& sampler_of(LoadedMethod& loaded, int64_t label) {
  auto* sampler = dynamic_cast<Sampler*>(loaded.method.get());
  if (!sampler)
    throw Error(ErrorKind::usage, "method " + loaded.card.name(), "makes no samples",
                "give the run of a generative method; `fewlabel methods` lists them");
  if (label >= 0 && (!sampler->conditional() || loaded.card.classes.empty()))
    throw Error(ErrorKind::usage, "method " + loaded.card.name(), "cannot be asked for a class",
                "leave the class out: it was not taught any");
  return *sampler;
}

void draw_samples(LoadedMethod& loaded, const SampleOrder& order,
                  const std::function<void(Image image, int64_t label)>& take) {
  Sampler& sampler = sampler_of(loaded, order.label);
  const auto classes = static_cast<int64_t>(loaded.card.classes.size());
  const bool conditional = sampler.conditional() && classes > 0;
  const torch::NoGradGuard no_gradient;
  // Classes come in turn: each has a stream of its own, so that a slice is of one class and still does not depend on
  // how many samples are wanted.
  const int64_t streams = conditional && order.label < 0 ? classes : 1;
  std::vector<std::vector<Image>> slice(static_cast<std::size_t>(streams));
  Work work("drawing samples", order.count);
  for (int64_t i = 0; i < order.count; ++i) {
    const int64_t stream = i % streams, at = i / streams;
    const int64_t label = !conditional ? -1 : order.label >= 0 ? order.label : stream;
    auto& images = slice[static_cast<std::size_t>(stream)];
    if (at % kSamplesAtATime == 0) {
      work.check();
      Random key(
          {order.seed, "generate", static_cast<uint64_t>(at / kSamplesAtATime), static_cast<uint64_t>(label + 1)});
      images = to_images(sampler.sample({.count = kSamplesAtATime, .label = label, .seed = key.bits()}));
    }
    take(std::move(images.at(static_cast<std::size_t>(at % kSamplesAtATime))), label);
    work.advance();
  }
}

}  // namespace fewlabel
