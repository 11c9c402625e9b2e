#include "eval/classify.h"

#include <algorithm>
#include <cmath>

#include "core/work.h"

namespace fewlabel {

Normalization measure_normalization(const ImageStore& store, const std::vector<int64_t>& indices, int64_t sample) {
  const ImageShape shape = store.shape();
  const auto channels = static_cast<std::size_t>(shape.channels);
  std::vector<double> sum(channels), square(channels);
  std::vector<uint8_t> pixels(static_cast<std::size_t>(shape.bytes()));
  const auto total = static_cast<int64_t>(indices.size());
  const int64_t wanted = std::min(sample, total);
  int64_t count = 0;
  Work work("measuring pixels", wanted);
  for (int64_t i = 0; i < wanted; ++i) {
    work.advance();
    if (!store.try_fetch(indices[static_cast<std::size_t>(i * total / wanted)], pixels.data())) continue;
    ++count;
    std::vector<uint64_t> part(channels), part_square(channels);
    for (std::size_t p = 0; p < pixels.size(); ++p) {
      part[p % channels] += pixels[p];
      part_square[p % channels] += uint64_t{pixels[p]} * pixels[p];
    }
    for (std::size_t c = 0; c < channels; ++c) {
      sum[c] += static_cast<double>(part[c]);
      square[c] += static_cast<double>(part_square[c]);
    }
  }
  Normalization rule{shape, {}, {}};
  const double n = std::max(1.0, static_cast<double>(count) * shape.height * shape.width);
  for (std::size_t c = 0; c < channels; ++c) {
    const double mean = sum[c] / n / 255;
    const double variance = square[c] / n / (255.0 * 255.0) - mean * mean;
    rule.mean.push_back(static_cast<float>(mean));
    rule.deviation.push_back(static_cast<float>(std::sqrt(std::max(variance, 1e-4))));  // a blank set divides by 0.01
  }
  return rule;
}

int64_t images_at_a_time(const ImageShape& shape) {
  constexpr int64_t kPixels = 1 << 20;
  return std::clamp<int64_t>(kPixels / (int64_t{shape.height} * shape.width), 8, 250);
}

std::vector<int64_t> best_classes(const Tensor& logits) {
  const Tensor best = logits.argmax(1).contiguous();
  return {best.data_ptr<int64_t>(), best.data_ptr<int64_t>() + best.numel()};
}

Tensor logits_of(const std::function<Tensor(const Tensor&)>& forward, const ImageStore& store,
                 const std::vector<int64_t>& indices, const Normalization& rule, int64_t slice) {
  const torch::NoGradGuard no_grad;
  if (slice < 1) slice = images_at_a_time(rule.shape);
  Work work("running the net", static_cast<int64_t>(indices.size()));
  const auto bytes = static_cast<std::size_t>(rule.shape.bytes());
  std::vector<uint8_t> pixels(bytes * static_cast<std::size_t>(slice));
  std::vector<Tensor> parts;
  for (std::size_t begin = 0; begin < indices.size(); begin += static_cast<std::size_t>(slice)) {
    const std::size_t count = std::min(static_cast<std::size_t>(slice), indices.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      work.check();  // where pixels are not kept they are decoded now
      store.fetch(indices[begin + i], pixels.data() + i * bytes);
    }
    parts.push_back(forward(normalised(pixels.data(), static_cast<int64_t>(count), rule)).to(torch::kFloat).cpu());
    work.advance(static_cast<int64_t>(count));
  }
  return parts.empty() ? torch::empty({0, 0}) : torch::cat(parts);
}

}  // namespace fewlabel
