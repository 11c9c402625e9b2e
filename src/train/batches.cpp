#include "train/batches.h"

#include "fewlabel/image.h"
#include "train/device.h"
#include "train/torch_compat.h"

namespace fewlabel {
namespace {

/// Examples as they come: i32 or f32, N × the sizes.
Tensor as_stored(const uint8_t* examples, int64_t count, const Layout& layout, const torch::Device& device) {
  std::vector<int64_t> sizes = {count};
  sizes.insert(sizes.end(), layout.sizes.begin(), layout.sizes.end());
  return bytes_to(examples, sizes, layout.type == Layout::Type::i32 ? at::kInt : at::kFloat, device);
}

Tensor on_device(const uint8_t* examples, int64_t count, const Normalization& rule, const torch::Device& device) {
  const Tensor x = as_stored(examples, count, rule.layout, device);
  if (rule.layout.type == Layout::Type::i32) return x.to(at::kLong);
  if (rule.mean.empty()) return x;
  const Tensor scaled = (x - at::tensor(rule.mean).to(device)) / at::tensor(rule.deviation).to(device);
  return is_picture(rule.layout) ? scaled.permute({0, 3, 1, 2}) : scaled;
}

Tensor normalised_pixels(const uint8_t* pixels, int64_t count, const Normalization& rule) {
  const ImageShape shape = image_shape(rule.layout);
  const int64_t height = shape.height, width = shape.width, channels = shape.channels;
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

}  // namespace

Tensor normalised(const uint8_t* examples, int64_t count, const Normalization& rule) {
  return rule.layout.type == Layout::Type::u8 ? normalised_pixels(examples, count, rule)
                                              : on_device(examples, count, rule, at::kCPU);
}

BatchMover::BatchMover(Normalization rule, const torch::Device& device) : rule_(std::move(rule)), device_(device) {
  if (device.is_cpu() || rule_.layout.type != Layout::Type::u8) return;
  std::vector<float> factor, shift;
  for (std::size_t c = 0; c < rule_.mean.size(); ++c) {
    factor.push_back(1 / (255.F * rule_.deviation.at(c)));
    shift.push_back(-rule_.mean[c] / rule_.deviation[c]);
  }
  factor_ = torch::tensor(factor).to(device);
  shift_ = torch::tensor(shift).to(device);
}

Tensor BatchMover::input(const uint8_t* examples, int64_t count) const {
  if (device_.is_cpu()) return normalised(examples, count, rule_);
  if (rule_.layout.type != Layout::Type::u8) return on_device(examples, count, rule_, device_);
  const ImageShape shape = image_shape(rule_.layout);
  const Tensor bytes = bytes_to(examples, {count, shape.height, shape.width, shape.channels}, at::kByte, device_);
  return at::addcmul(shift_, bytes.to(at::kFloat), factor_).permute({0, 3, 1, 2});
}

Views BatchMover::views(const RawViews& raw) const {
  Views views;
  for (const auto& examples : raw.views) views.x.push_back(input(examples.data(), raw.size()));
  const std::vector<int64_t> label(raw.label.begin(), raw.label.end()), index(raw.index.begin(), raw.index.end());
  views.y = bytes_to(label.data(), {raw.size()}, at::kLong, device_);
  views.index = bytes_to(index.data(), {raw.size()}, at::kLong, device_);
  return views;
}

Batch BatchMover::batch(const RawBatch& raw) const { return {views(raw.labeled), views(raw.unlabeled)}; }

}  // namespace fewlabel
