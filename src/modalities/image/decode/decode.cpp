#include "modalities/image/decode/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "data/byte_file.h"
#include "data/suffixes.h"
#include "modalities/image/decode/heif.h"

namespace fewlabel {
namespace {

[[noreturn]] void refuse_unknown(const std::string& where) {
  throw_data(where, fmt::format("is no image by its content ({} are read)", kImageFormats));
}

/// What web servers send in place of a picture that is gone is mostly a GIF, whatever the name that was asked for.
ImageFormat format_of(const std::string& where, std::span<const uint8_t> bytes) {
  const ImageFormat format = sniff_image(bytes);
  const std::string suffix = lower(where.substr(std::min(where.rfind('.'), where.size())));
  if (format == ImageFormat::gif && (suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png" || suffix == ".webp"))
    throw_data(where, fmt::format("is a GIF called {}, as servers send in place of a missing picture", suffix),
               "call it .gif if it is one of the examples");
  return format;
}

}  // namespace

ImageFormat sniff_image(std::span<const uint8_t> bytes) {
  const auto starts = [&](std::size_t at, std::string_view magic) {
    return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
  };
  if (starts(0, "\xff\xd8\xff")) return ImageFormat::jpeg;
  if (starts(0, "\x89PNG\r\n\x1a\n")) return ImageFormat::png;
  if (starts(0, "RIFF") && starts(8, "WEBP")) return ImageFormat::webp;
  if (starts(0, {"II*\0", 4}) || starts(0, {"MM\0*", 4}) || starts(0, {"II+\0", 4}) || starts(0, {"MM\0+", 4}))
    return ImageFormat::tiff;
  if (starts(0, "GIF87a") || starts(0, "GIF89a")) return ImageFormat::gif;
  if (starts(0, "BM") && starts(15, {"\0\0\0", 3})) return ImageFormat::bmp;  // the size of its header is small
  return detail::sniff_heif(bytes);
}

std::string_view to_string(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return "JPEG";
    case ImageFormat::png:
      return "PNG";
    case ImageFormat::webp:
      return "WebP";
    case ImageFormat::tiff:
      return "TIFF";
    case ImageFormat::bmp:
      return "BMP";
    case ImageFormat::gif:
      return "GIF";
    case ImageFormat::heic:
      return "HEIC";
    case ImageFormat::avif:
      return "AVIF";
    case ImageFormat::unknown:
      break;
  }
  return "unknown";
}

Image decode_image(const std::string& where, std::span<const uint8_t> bytes, const DecodeOptions& options) {
  if (bytes.empty()) throw_data(where, "is empty (0 bytes)");
  Image image;
  switch (format_of(where, bytes)) {
    case ImageFormat::jpeg:
      image = detail::decode_jpeg(where, bytes, options);
      break;
    case ImageFormat::png:
      image = detail::decode_png(where, bytes, options.max_pixels);
      break;
    case ImageFormat::webp:
      image = detail::decode_webp(where, bytes, options.max_pixels);
      break;
    case ImageFormat::tiff:
      image = detail::decode_tiff(where, bytes, options.max_pixels);
      break;
    case ImageFormat::bmp:
      image = detail::decode_bmp(where, bytes, options.max_pixels);
      break;
    case ImageFormat::gif:
      image = detail::decode_gif(where, bytes, options.max_pixels);
      break;
    case ImageFormat::heic:
    case ImageFormat::avif:
      image = detail::decode_heif(where, bytes, options.max_pixels);
      break;
    case ImageFormat::unknown:
      refuse_unknown(where);
  }
  drop_alpha(image);
  return image;
}

ImageShape image_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  if (start.bytes.empty()) throw_data(where, "is empty (0 bytes)");
  switch (format_of(where, start.bytes)) {
    case ImageFormat::jpeg:
      return detail::jpeg_header(where, start, max_pixels);
    case ImageFormat::png:
      return detail::png_header(where, start, max_pixels);
    case ImageFormat::webp:
      return detail::webp_header(where, start, max_pixels);
    case ImageFormat::tiff:
      return detail::tiff_header(where, start, max_pixels);
    case ImageFormat::bmp:
      return detail::bmp_header(where, start, max_pixels);
    case ImageFormat::gif:
      return detail::gif_header(where, start, max_pixels);
    case ImageFormat::heic:
    case ImageFormat::avif:
      return detail::heif_header(where, start, max_pixels);
    case ImageFormat::unknown:
      break;
  }
  refuse_unknown(where);
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
