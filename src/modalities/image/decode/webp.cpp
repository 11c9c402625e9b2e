#include <fmt/format.h>
#include <webp/decode.h>

#include <algorithm>

#include "data/byte_file.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/exif.h"

namespace fewlabel::detail {
namespace {

WebPBitstreamFeatures features_of(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK)
    throw_data(where, "is a damaged or cut WebP (its header cannot be read)");
  check_pixels(where, features.height, features.width, max_pixels);
  if (features.has_animation) throw_data(where, "is an animated WebP", "save one frame of it as a still image");
  return features;
}

/// VP8X, the chunk of a file with more than pixels, says in a byte of flags whether there is EXIF.
bool promises_exif(std::span<const uint8_t> bytes) {
  constexpr std::size_t kFlags = 20;
  return bytes.size() > kFlags && std::equal(bytes.begin() + 12, bytes.begin() + 16, "VP8X") &&
         (bytes[kFlags] & 0x08) != 0;
}

int webp_orientation(std::span<const uint8_t> bytes) {
  const auto exif = find_webp_exif(bytes);
  return exif ? exif_orientation(*exif) : 1;
}

}  // namespace

Image decode_webp(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  const WebPBitstreamFeatures features = features_of(where, bytes, max_pixels);
  const int channels = features.has_alpha ? 4 : 3, stride = features.width * channels;
  Image image{features.height, features.width, channels, {}};
  image.pixels.resize(static_cast<std::size_t>(stride) * static_cast<std::size_t>(features.height));
  const auto decode = features.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(bytes.data(), bytes.size(), image.pixels.data(), image.pixels.size(), stride) == nullptr)
    throw_data(where, "is a damaged or cut WebP");
  orient(image, webp_orientation(bytes));
  return image;
}

ImageShape webp_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  const WebPBitstreamFeatures features = features_of(where, start.bytes, max_pixels);
  // Behind the pixels, as a rule.
  if (static_cast<int64_t>(start.bytes.size()) < start.size && promises_exif(start.bytes) &&
      !find_webp_exif(start.bytes))
    throw_data(where, "is a cut WebP (its EXIF is missing)");
  return turned({features.height, features.width, 3}, webp_orientation(start.bytes));
}

}  // namespace fewlabel::detail
