#include "modalities/image/modality.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/base64.h"
#include "core/work.h"
#include "data/byte_file.h"
#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/encode.h"
#include "modalities/image/decode/heif.h"

namespace fewlabel {
namespace {

/// Part of every key in the disk cache: raise it when the same file gives other pixels.
constexpr const char* kDecoder = "3";
constexpr ImageShape kSketch{16, 16, 1};

/// Grey stays grey and all else becomes colour: what is left of the channels without alpha.
int32_t without_alpha(int32_t channels) { return channels == 2 ? 1 : channels == 4 ? 3 : channels; }

/// Values of a record as an image.
Image image_of(const Raw& raw) {
  const ImageShape shape = image_shape(raw.layout);
  Image image{shape.height, shape.width, shape.channels, raw.bytes};
  drop_alpha(image);
  return image;
}

/// At most `side` pixels a side.
Image shrunk(const Image& image, int32_t side) {
  const int32_t longest = std::max(image.height, image.width);
  if (side <= 0 || longest <= side) return image;
  Image less{std::max(1, image.height * side / longest), std::max(1, image.width * side / longest), image.channels, {}};
  const ImageShape to{less.height, less.width, less.channels};
  less.pixels.resize(static_cast<std::size_t>(to.bytes()));
  resize_into(image, to, less.pixels.data());
  return less;
}

Image image_of(const uint8_t* example, const Layout& layout) {
  const ImageShape shape = image_shape(layout);
  return {shape.height, shape.width, shape.channels, {example, example + shape.bytes()}};
}

class ImageModality final : public Modality {
 public:
  explicit ImageModality(int64_t max_pixels) : max_pixels_(max_pixels) {}

  Kind kind() const override { return Kind::image; }

  Layout own_layout(const std::string& where, const Raw& head) const override {
    if (head.layout.sizes.empty())
      return image_header(where, {head.bytes, std::max(head.size, static_cast<int64_t>(head.bytes.size()))},
                          max_pixels_);
    const ImageShape shape = image_shape(head.layout);
    return ImageShape{shape.height, shape.width, without_alpha(shape.channels)};
  }

  Layout guess(const Source& source, int64_t sample) const override;

  void check(const Layout& layout) const override {
    const ImageShape shape = image_shape(layout);
    if (shape.height < 1 || shape.width < 1 || (shape.channels != 1 && shape.channels != 3))
      throw Error(ErrorKind::usage, "data",
                  fmt::format("images of {} × {} × {} cannot be made", shape.height, shape.width, shape.channels),
                  "wanted: at least 1 × 1 with 1 or 3 channels");
  }

  void decode(const std::string& where, const Raw& raw, const Layout& layout, uint8_t* out) const override {
    const ImageShape target = image_shape(layout);
    if (raw.layout.sizes.empty())
      resize_into(decode_image(where, raw.bytes, {max_pixels_, target}), target, out);
    else
      resize_into(image_of(raw), target, out);
  }

  std::string format(const Raw& raw) const override {
    return raw.layout.sizes.empty() ? std::string(to_string(sniff_image(raw.bytes))) : "raw";
  }

  std::unique_ptr<Transform> transform(const std::string& policy) const override {
    return make_image_transform(policy);
  }
  ViewPolicies policies(const Layout& layout) const override { return image_policies(image_shape(layout).channels); }

  Normalization measure(const ExampleStore& store, const std::vector<int64_t>& indices, int64_t sample) const override;

  Json show(const Exhibited& example, int32_t most) const override {
    const Layout& layout = example.store.layout();
    std::vector<uint8_t> pixels(static_cast<std::size_t>(layout.bytes()));
    example.store.fetch(example.index, pixels.data());
    return {{"kind", "picture"}, {"png", base64(encode_png(shrunk(image_of(pixels.data(), layout), most)))}};
  }

  /// Correlation of thumbnails; levels are of 255.
  Likeness likeness() const override { return {kSketch.bytes(), 0.997, 6, 2}; }
  void sketch(const uint8_t* example, const Layout& layout, float* out) const override {
    std::vector<uint8_t> small(static_cast<std::size_t>(kSketch.bytes()));
    resize_into(image_of(example, layout), kSketch, small.data());
    std::copy(small.begin(), small.end(), out);
  }

  std::string fingerprint() const override { return kDecoder + detail::heif_abilities(); }

 private:
  /// From the head, or from the whole where the header is longer than that.
  ImageShape shape_of(const Source& source, int64_t index) const {
    const Raw head = source.head(index);
    try {
      return image_shape(own_layout(source.name(index), head));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data || head.size <= static_cast<int64_t>(head.bytes.size())) throw;
    }
    return image_shape(own_layout(source.name(index), source.raw(index)));
  }

  int64_t max_pixels_;
};

Layout ImageModality::guess(const Source& source, int64_t sample) const {
  const int64_t count = std::min(source.size(), std::max<int64_t>(sample, 1));
  std::map<std::pair<int32_t, int32_t>, int64_t> sizes;
  std::vector<int32_t> heights, widths;
  int32_t channels = 1;
  std::string reason;
  for (int64_t k = 0; k < count; ++k) {
    try {
      // Spread evenly: classes often lie in blocks.
      const ImageShape shape = shape_of(source, k * source.size() / count);
      ++sizes[{shape.height, shape.width}];
      heights.push_back(shape.height);
      widths.push_back(shape.width);
      channels = std::max(channels, shape.channels);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      if (reason.empty()) reason = error.where() + ": " + error.message();
    }
  }
  if (sizes.empty())
    throw_data("data", source.size() == 0 ? "there is no example" : "no image can be read; the first: " + reason);
  const auto commonest =
      std::max_element(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  // Photos come in many sizes, of which the commonest says little; then the middle one is meant.
  if (commonest->second * 2 >= static_cast<int64_t>(heights.size()))
    return ImageShape{commonest->first.first, commonest->first.second, channels};
  const auto middle = [](std::vector<int32_t>& values) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  };
  return ImageShape{middle(heights), middle(widths), channels};
}

Normalization ImageModality::measure(const ExampleStore& store, const std::vector<int64_t>& indices,
                                     int64_t sample) const {
  const ImageShape shape = image_shape(store.layout());
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

}  // namespace

std::unique_ptr<Modality> make_image_modality(int64_t max_pixels) {
  return std::make_unique<ImageModality>(max_pixels);
}

}  // namespace fewlabel
