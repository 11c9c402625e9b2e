#include "modalities/image/decode/exif.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace fewlabel::detail {
namespace {

constexpr uint8_t kApp1 = 0xe1, kStartOfScan = 0xda, kEndOfImage = 0xd9;
constexpr uint32_t kOrientation = 0x0112, kShort = 3;
constexpr std::string_view kExifPrefix("Exif\0\0", 6);

bool begins_with(std::span<const uint8_t> bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin(),
                                                     [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

uint32_t big_endian(std::span<const uint8_t> bytes, std::size_t at) {
  return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

uint32_t little_endian(std::span<const uint8_t> bytes, std::size_t at) {
  return uint32_t{bytes[at + 3]} << 24 | uint32_t{bytes[at + 2]} << 16 | uint32_t{bytes[at + 1]} << 8 | bytes[at];
}

/// Numbers of a TIFF block; what lies past its end reads as 0, which is neither a count, a tag nor an orientation.
class Tiff {
 public:
  explicit Tiff(std::span<const uint8_t> bytes) : bytes_(bytes), little_(begins_with(bytes, "II")) {}
  uint32_t number(std::size_t at, std::size_t length) const {
    if (length > bytes_.size() || at > bytes_.size() - length) return 0;
    uint32_t value = 0;
    for (std::size_t i = 0; i < length; ++i) value = value << 8 | bytes_[at + (little_ ? length - 1 - i : i)];
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool little_;
};

/// The payload of the first APP1 segment before the scan that holds EXIF; empty where there is none.
std::span<const uint8_t> find_jpeg_exif(std::span<const uint8_t> jpeg) {
  std::size_t at = 2;
  while (at + 4 <= jpeg.size() && jpeg[at] == 0xff) {
    const uint8_t found = jpeg[at + 1];
    if (found == 0xff) {  // fill byte
      ++at;
      continue;
    }
    if (found == kStartOfScan || found == kEndOfImage) break;
    const std::size_t length = std::size_t{jpeg[at + 2]} << 8 | jpeg[at + 3];  // counts its own two bytes
    if (length < 2 || length > jpeg.size() - at - 2) break;
    const auto payload = jpeg.subspan(at + 4, length - 2);
    if (found == kApp1 && begins_with(payload, kExifPrefix)) return payload;
    at += 2 + length;
  }
  return {};
}

}  // namespace

int exif_orientation(std::span<const uint8_t> block) {
  if (begins_with(block, kExifPrefix)) block = block.subspan(kExifPrefix.size());
  if (!begins_with(block, {"II*\0", 4}) && !begins_with(block, {"MM\0*", 4})) return 1;
  const Tiff tiff(block);
  const std::size_t directory = tiff.number(4, 4), entries = tiff.number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.number(entry, 2) != kOrientation) continue;
    const uint32_t value = tiff.number(entry + 8, 2);
    const bool usable =
        tiff.number(entry + 2, 2) == kShort && tiff.number(entry + 4, 4) == 1 && value >= 1 && value <= 8;
    return usable ? static_cast<int>(value) : 1;
  }
  return 1;
}

int jpeg_orientation(std::span<const uint8_t> jpeg) { return exif_orientation(find_jpeg_exif(jpeg)); }

int png_orientation(std::span<const uint8_t> png) {
  std::size_t at = 8;
  while (at + 12 <= png.size()) {
    const std::size_t length = big_endian(png, at);
    if (length > png.size() - at - 12) break;
    if (begins_with(png.subspan(at + 4), "eXIf")) return exif_orientation(png.subspan(at + 8, length));
    at += 12 + length;
  }
  return 1;
}

std::optional<std::span<const uint8_t>> find_webp_exif(std::span<const uint8_t> webp) {
  std::size_t at = 12;
  while (at + 8 <= webp.size()) {
    const std::size_t length = little_endian(webp, at + 4);
    if (length > webp.size() - at - 8) break;
    if (begins_with(webp.subspan(at), "EXIF")) return webp.subspan(at + 8, length);
    at += 8 + length + length % 2;
  }
  return {};
}

ImageShape turned(const ImageShape& stored, int orientation) {
  return orientation < 5 ? stored : ImageShape{stored.width, stored.height, stored.channels};
}

void orient(Image& image, int orientation) {
  if (orientation < 2 || orientation > 8) return;
  const bool swapped = orientation >= 5;  // rows become columns
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Image out{swapped ? image.width : image.height, swapped ? image.height : image.width, image.channels, {}};
  out.pixels.resize(image.pixels.size());
  const auto channels = static_cast<std::size_t>(image.channels);
  uint8_t* to = out.pixels.data();
  for (int32_t y = 0; y < out.height; ++y)
    for (int32_t x = 0; x < out.width; ++x, to += channels) {
      int32_t row = swapped ? x : y, column = swapped ? y : x;
      if (from_bottom) row = image.height - 1 - row;
      if (from_right) column = image.width - 1 - column;
      const auto at =
          static_cast<std::size_t>(row) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(column);
      std::copy_n(image.pixels.data() + at * channels, channels, to);
    }
  image = std::move(out);
}

}  // namespace fewlabel::detail
