#include "eval/classify.h"

#include <algorithm>
#include <cmath>

#include "core/work.h"
#include "fewlabel/image.h"

namespace fewlabel {

int64_t examples_at_a_time(const Layout& layout) {
  constexpr int64_t kValues = 1 << 20;
  // A token or a column costs a net as much as dozens of pixels do.
  const int64_t pixels = is_picture(layout) ? layout.values() / layout.sizes.back() : layout.values() * 64;
  return std::clamp<int64_t>(kValues / std::max<int64_t>(pixels, 1), 8, 250);
}

std::vector<int64_t> best_classes(const Tensor& logits) {
  const Tensor best = logits.argmax(1).contiguous();
  return {best.data_ptr<int64_t>(), best.data_ptr<int64_t>() + best.numel()};
}

Tensor means_of_parts(const Tensor& answers, const std::vector<int64_t>& parts) {
  if (static_cast<std::size_t>(answers.size(0)) == parts.size()) return answers;
  std::vector<Tensor> means;
  int64_t first = 0;
  for (const int64_t count : parts) {
    means.push_back(answers.narrow(0, first, count).mean(0));
    first += count;
  }
  return torch::stack(means);
}

Tensor logits_of(const std::function<Tensor(const Tensor&)>& forward, const ExampleStore& store,
                 const std::vector<int64_t>& indices, const Normalization& rule, int64_t slice) {
  const torch::NoGradGuard no_grad;
  if (slice < 1) slice = examples_at_a_time(rule.layout);
  Work work("running the net", static_cast<int64_t>(indices.size()));
  const auto bytes = static_cast<std::size_t>(rule.layout.bytes());
  const auto room = static_cast<std::size_t>(slice);
  std::vector<uint8_t> views(bytes * room), kept(static_cast<std::size_t>(store.kept_layout().bytes()));
  std::vector<int64_t> parts;  // how many views each example of `indices` takes
  std::vector<Tensor> answers;
  std::size_t filled = 0;
  const auto answer = [&] {
    if (filled == 0) return;
    answers.push_back(forward(normalised(views.data(), static_cast<int64_t>(filled), rule)).to(torch::kFloat).cpu());
    filled = 0;
  };
  for (const int64_t index : indices) {
    work.check();  // where examples are not kept they are decoded now
    store.fetch_kept(index, kept.data());
    parts.push_back(store.parts(kept.data()));
    for (int64_t part = 0; part < parts.back(); ++part) {
      store.see_part(kept.data(), part, views.data() + filled * bytes);
      if (++filled == room) answer();
    }
    work.advance(1);
  }
  answer();
  return answers.empty() ? torch::empty({0, 0}) : means_of_parts(torch::cat(answers), parts);
}

}  // namespace fewlabel
