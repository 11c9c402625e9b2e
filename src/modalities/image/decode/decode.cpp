#include "modalities/image/decode/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "data/byte_file.h"

namespace fewlabel {
namespace {

constexpr const char* kNoImage = "is neither JPEG nor PNG nor WebP by its content";

}  // namespace

ImageFormat sniff_image(std::span<const uint8_t> bytes) {
  const auto starts = [&](std::size_t at, std::string_view magic) {
    return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
  };
  if (starts(0, "\xff\xd8\xff")) return ImageFormat::jpeg;
  if (starts(0, "\x89PNG\r\n\x1a\n")) return ImageFormat::png;
  if (starts(0, "RIFF") && starts(8, "WEBP")) return ImageFormat::webp;
  return ImageFormat::unknown;
}

std::string_view to_string(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return "JPEG";
    case ImageFormat::png:
      return "PNG";
    case ImageFormat::webp:
      return "WebP";
    case ImageFormat::unknown:
      break;
  }
  return "unknown";
}

Image decode_image(const std::string& where, std::span<const uint8_t> bytes, const DecodeOptions& options) {
  if (bytes.empty()) throw_data(where, "is empty (0 bytes)");
  Image image;
  switch (sniff_image(bytes)) {
    case ImageFormat::jpeg:
      image = detail::decode_jpeg(where, bytes, options);
      break;
    case ImageFormat::png:
      image = detail::decode_png(where, bytes, options.max_pixels);
      break;
    case ImageFormat::webp:
      image = detail::decode_webp(where, bytes, options.max_pixels);
      break;
    case ImageFormat::unknown:
      throw_data(where, kNoImage);
  }
  drop_alpha(image);
  return image;
}

ImageShape image_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  if (start.bytes.empty()) throw_data(where, "is empty (0 bytes)");
  switch (sniff_image(start.bytes)) {
    case ImageFormat::jpeg:
      return detail::jpeg_header(where, start, max_pixels);
    case ImageFormat::png:
      return detail::png_header(where, start, max_pixels);
    case ImageFormat::webp:
      return detail::webp_header(where, start, max_pixels);
    case ImageFormat::unknown:
      break;
  }
  throw_data(where, kNoImage);
}

void drop_alpha(Image& image) {
  if (image.channels != 2 && image.channels != 4) return;
  const auto from = static_cast<std::size_t>(image.channels), to = from - 1;
  const std::size_t area = image.pixels.size() / from;
  for (std::size_t i = 0; i < area; ++i) {
    const unsigned alpha = image.pixels[i * from + to];
    for (std::size_t c = 0; c < to; ++c) {
      const unsigned value = image.pixels[i * from + c];
      image.pixels[i * to + c] = static_cast<uint8_t>((value * alpha + 255u * (255u - alpha) + 127u) / 255u);
    }
  }
  image.pixels.resize(area * to);
  image.channels = static_cast<int32_t>(to);
}

}  // namespace fewlabel
