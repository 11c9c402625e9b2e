#include "eval/classify.h"

#include <algorithm>
#include <cmath>

#include "core/work.h"

namespace fewlabel {

int64_t examples_at_a_time(const Layout& layout) {
  constexpr int64_t kValues = 1 << 20;
  // A token or a column costs a net as much as dozens of pixels do.
  const int64_t pixels = layout.kind == Kind::image ? layout.values() / layout.sizes.back() : layout.values() * 64;
  return std::clamp<int64_t>(kValues / std::max<int64_t>(pixels, 1), 8, 250);
}

std::vector<int64_t> best_classes(const Tensor& logits) {
  const Tensor best = logits.argmax(1).contiguous();
  return {best.data_ptr<int64_t>(), best.data_ptr<int64_t>() + best.numel()};
}

Tensor logits_of(const std::function<Tensor(const Tensor&)>& forward, const ExampleStore& store,
                 const std::vector<int64_t>& indices, const Normalization& rule, int64_t slice) {
  const torch::NoGradGuard no_grad;
  if (slice < 1) slice = examples_at_a_time(rule.layout);
  Work work("running the net", static_cast<int64_t>(indices.size()));
  const auto bytes = static_cast<std::size_t>(rule.layout.bytes());
  std::vector<uint8_t> examples(bytes * static_cast<std::size_t>(slice));
  std::vector<Tensor> parts;
  for (std::size_t begin = 0; begin < indices.size(); begin += static_cast<std::size_t>(slice)) {
    const std::size_t count = std::min(static_cast<std::size_t>(slice), indices.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      work.check();  // where examples are not kept they are decoded now
      store.fetch(indices[begin + i], examples.data() + i * bytes);
    }
    parts.push_back(forward(normalised(examples.data(), static_cast<int64_t>(count), rule)).to(torch::kFloat).cpu());
    work.advance(static_cast<int64_t>(count));
  }
  return parts.empty() ? torch::empty({0, 0}) : torch::cat(parts);
}

}  // namespace fewlabel
