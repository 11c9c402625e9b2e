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

PooledAnswers::PooledAnswers(std::function<Tensor(const uint8_t* views, int64_t count)> answer, const Layout& layout,
                             int64_t slice)
    : answer_(std::move(answer)),
      bytes_(static_cast<std::size_t>(layout.bytes())),
      room_(static_cast<std::size_t>(slice < 1 ? examples_at_a_time(layout) : slice)),
      views_(bytes_ * room_) {}

void PooledAnswers::add(int64_t parts, const std::function<void(int64_t part, uint8_t* out)>& see) {
  parts_.push_back(parts);
  for (int64_t part = 0; part < parts; ++part) {
    see(part, views_.data() + filled_ * bytes_);
    if (++filled_ == room_) flush();
  }
}

void PooledAnswers::flush() {
  if (filled_ > 0) answers_.push_back(answer_(views_.data(), static_cast<int64_t>(filled_)).to(torch::kFloat).cpu());
  filled_ = 0;
}

Tensor PooledAnswers::finish() {
  flush();
  if (answers_.empty()) return torch::empty({0, 0});
  const Tensor all = torch::cat(answers_);
  if (static_cast<std::size_t>(all.size(0)) == parts_.size()) return all;
  std::vector<Tensor> means;
  int64_t first = 0;
  for (const int64_t count : parts_) {
    means.push_back(all.narrow(0, first, count).mean(0));
    first += count;
  }
  return torch::stack(means);
}

Tensor logits_of(const std::function<Tensor(const Tensor&)>& forward, const ExampleStore& store,
                 const std::vector<int64_t>& indices, const Normalization& rule, int64_t slice) {
  const torch::NoGradGuard no_grad;
  Work work("running the net", static_cast<int64_t>(indices.size()));
  std::vector<uint8_t> kept(static_cast<std::size_t>(store.kept_layout().bytes()));
  PooledAnswers answers([&](const uint8_t* views, int64_t count) { return forward(normalised(views, count, rule)); },
                        rule.layout, slice);
  for (const int64_t index : indices) {
    work.check();  // where examples are not kept they are decoded now
    store.fetch_kept(index, kept.data());
    answers.add(store.parts(kept.data()), [&](int64_t part, uint8_t* out) { store.see_part(kept.data(), part, out); });
    work.advance(1);
  }
  return answers.finish();
}

}  // namespace fewlabel
