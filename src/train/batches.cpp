#include "train/batches.h"

#include "train/device.h"
#include "train/torch_compat.h"

namespace fewlabel {
Tensor normalised(const uint8_t* pixels, int64_t count, const Normalization& rule) {
  const int64_t height = rule.shape.height, width = rule.shape.width, channels = rule.shape.channels;
  // 256 possible values a channel: a table is exact, and one load replaces a conversion and a division.
  std::vector<float> table(static_cast<std::size_t>(channels) * 256);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t value = 0; value < 256; ++value)
      table[static_cast<std::size_t>(c * 256 + value)] =
          (static_cast<float>(value) / 255.F - rule.mean.at(static_cast<std::size_t>(c))) /
          rule.deviation.at(static_cast<std::size_t>(c));
  Tensor out = at::empty({count, height, width, channels}, at::kFloat);
  float* to = out.data_ptr<float>();
  at::parallel_for(0, count * height * width, 16384, [&](int64_t begin, int64_t end) {
    if (channels == 1) {
      for (int64_t i = begin; i < end; ++i) to[i] = table[pixels[i]];
    } else {
      for (int64_t i = begin * channels; i < end * channels; i += channels)
        for (int64_t c = 0; c < channels; ++c) to[i + c] = table[static_cast<std::size_t>(c * 256 + pixels[i + c])];
    }
  });
  return out.permute({0, 3, 1, 2});
}

BatchMover::BatchMover(Normalization rule, const torch::Device& device) : rule_(std::move(rule)), device_(device) {
  if (device.is_cpu()) return;
  std::vector<float> factor, shift;
  for (std::size_t c = 0; c < rule_.mean.size(); ++c) {
    factor.push_back(1 / (255.F * rule_.deviation.at(c)));
    shift.push_back(-rule_.mean[c] / rule_.deviation[c]);
  }
  factor_ = torch::tensor(factor).to(device);
  shift_ = torch::tensor(shift).to(device);
}

Tensor BatchMover::images(const uint8_t* pixels, int64_t count) const {
  if (device_.is_cpu()) return normalised(pixels, count, rule_);
  const ImageShape& shape = rule_.shape;
  const Tensor bytes = bytes_to(pixels, {count, shape.height, shape.width, shape.channels}, at::kByte, device_);
  return at::addcmul(shift_, bytes.to(at::kFloat), factor_).permute({0, 3, 1, 2});
}

Views BatchMover::views(const RawViews& raw) const {
  Views views;
  for (const auto& pixels : raw.views) views.x.push_back(images(pixels.data(), raw.size()));
  const std::vector<int64_t> label(raw.label.begin(), raw.label.end()), index(raw.index.begin(), raw.index.end());
  views.y = bytes_to(label.data(), {raw.size()}, at::kLong, device_);
  views.index = bytes_to(index.data(), {raw.size()}, at::kLong, device_);
  return views;
}

Batch BatchMover::batch(const RawBatch& raw) const { return {views(raw.labeled), views(raw.unlabeled)}; }

}  // namespace fewlabel
