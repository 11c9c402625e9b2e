// Encoded images to pixels. The kind is told by content, never by suffix; limits are checked on the header before
// memory is taken. Thread-safe. Every failure is Error{data} with `where` and one reason.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fewlabel/error.h"
#include "fewlabel/image.h"

namespace fewlabel {

enum class ImageFormat { unknown, jpeg, png, webp, tiff, bmp, gif, heic, avif };
ImageFormat sniff_image(std::span<const uint8_t> bytes);
std::string_view to_string(ImageFormat format);

struct DecodeOptions {
  int64_t max_pixels = 0;  // of the image as stored
  ImageShape target;       // what the image will be resized to, where that is known; all zero: keep its own size
};

/// Grey (1 channel) or colour (3). Alpha is composed on white, 16 bits and reals become 8, palettes colour, CMYK and
/// YCCK RGB; of several pages or frames the first is taken. An image is turned as its orientation says. With a target,
/// a JPEG of several times that size is decoded at 1/2, 1/4 or 1/8, at least twice the target. Colour profiles and
/// gamma are not applied.
Image decode_image(const std::string& where, std::span<const uint8_t> bytes, const DecodeOptions& options);

/// The first bytes of a file, and how many there are in all.
struct FileStart {
  std::span<const uint8_t> bytes;
  int64_t size = 0;
};
/// The shape of what decode_image would give without a target, from the file's header. Where `start` is cut off before
/// the header's end it throws as for a cut file; the whole file will then do. The one exception is a PNG whose
/// orientation stands behind pixels that `start` does not hold: its shape is that of the file, unturned.
ImageShape image_header(const std::string& where, const FileStart& start, int64_t max_pixels);

/// Composes channel 2 of 2 or 4 of 4 on white and drops it.
void drop_alpha(Image& image);

namespace detail {
Image decode_jpeg(const std::string& where, std::span<const uint8_t> bytes, const DecodeOptions& options);
Image decode_png(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels);
Image decode_webp(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels);
Image decode_tiff(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels);
Image decode_bmp(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels);
Image decode_gif(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels);
Image decode_heif(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels);
ImageShape jpeg_header(const std::string& where, const FileStart& start, int64_t max_pixels);
ImageShape png_header(const std::string& where, const FileStart& start, int64_t max_pixels);
ImageShape webp_header(const std::string& where, const FileStart& start, int64_t max_pixels);
ImageShape tiff_header(const std::string& where, const FileStart& start, int64_t max_pixels);
ImageShape bmp_header(const std::string& where, const FileStart& start, int64_t max_pixels);
ImageShape gif_header(const std::string& where, const FileStart& start, int64_t max_pixels);
ImageShape heif_header(const std::string& where, const FileStart& start, int64_t max_pixels);
}  // namespace detail

}  // namespace fewlabel
