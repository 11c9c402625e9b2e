// Windows and OS/2 bitmaps. Microsoft, "Bitmap Storage"; RLE as in its "Bitmap Compression".
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "data/byte_file.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/palette.h"

namespace fewlabel::detail {
namespace {

constexpr std::size_t kFileHeader = 14, kCoreHeader = 12, kInfoHeader = 40;
constexpr uint32_t kPlain = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3, kJpegInside = 4, kPngInside = 5, kAlphaFields = 6;

[[noreturn]] void fail_bmp(const std::string& where, std::string_view reason) {
  throw_data(where, fmt::format("is a damaged or cut BMP ({})", reason));
}

/// One colour's bits of a pixel.
struct Channel {
  uint32_t mask = 0;
  uint8_t of(uint32_t pixel) const {
    const int shift = std::countr_zero(mask);
    const uint64_t most = mask >> shift, value = (pixel & mask) >> shift;
    return static_cast<uint8_t>((value * 255 + most / 2) / most);
  }
  bool usable() const { return mask != 0 && std::has_single_bit((uint64_t{mask} >> std::countr_zero(mask)) + 1); }
};

struct Bmp {
  std::span<const uint8_t> bytes;
  int32_t width = 0, height = 0;
  bool from_top = false;
  uint32_t bits = 0, compression = kPlain;
  std::array<Channel, 4> channels;  // red, green, blue, alpha
  Palette palette;
  std::size_t pixels_at = 0;

  bool indexed() const { return bits <= 8; }
  int64_t row_bits() const { return int64_t{width} * bits; }
  int64_t stride() const { return (row_bits() + 31) / 32 * 4; }
};

uint32_t number_at(const std::string& where, std::span<const uint8_t> bytes, std::size_t at, std::size_t length) {
  if (at + length > bytes.size()) fail_bmp(where, "its header is cut");
  uint32_t value = 0;
  for (std::size_t i = length; i > 0; --i) value = value << 8 | bytes[at + i - 1];
  return value;
}

/// Where the masks are, and how many bytes of them stand between the header and the palette.
std::size_t read_masks(Bmp& bmp, const std::string& where, std::size_t header) {
  if (bmp.compression == kPlain) {
    if (bmp.bits == 16) bmp.channels = {Channel{0x7c00}, Channel{0x03e0}, Channel{0x001f}, Channel{}};
    if (bmp.bits == 32) bmp.channels = {Channel{0xff0000}, Channel{0x00ff00}, Channel{0x0000ff}, Channel{}};
    return 0;
  }
  if (bmp.compression != kBitFields && bmp.compression != kAlphaFields) return 0;
  // In a header of 40 bytes they come behind it, in the longer ones they are its next fields, at the same place.
  const bool behind = header == kInfoHeader;
  const std::size_t count = behind ? (bmp.compression == kAlphaFields ? 4 : 3) : header >= 56 ? 4 : 3;
  for (std::size_t c = 0; c < count; ++c)
    bmp.channels[c].mask = number_at(where, bmp.bytes, kFileHeader + kInfoHeader + 4 * c, 4);
  for (std::size_t c = 0; c < 4; ++c)
    if (!bmp.channels[c].usable() && (c < 3 || bmp.channels[c].mask != 0))
      fail_bmp(where, "its masks are not those of colours");
  return behind ? 4 * count : 0;
}

void read_palette(Bmp& bmp, const std::string& where, std::size_t at, std::size_t entry, uint32_t used) {
  const uint32_t most = uint32_t{1} << bmp.bits;
  std::size_t count = used == 0 || used > most ? most : used;
  if (bmp.pixels_at > at) count = std::min(count, (bmp.pixels_at - at) / entry);  // some write fewer than they say
  for (std::size_t i = 0; i < count; ++i, at += entry) {
    const uint32_t blue_green_red = number_at(where, bmp.bytes, at, 3);
    bmp.palette.push_back({static_cast<uint8_t>(blue_green_red >> 16), static_cast<uint8_t>(blue_green_red >> 8),
                           static_cast<uint8_t>(blue_green_red)});
  }
}

Bmp open_bmp(const std::string& where, const FileStart& start, int64_t max_pixels) {
  Bmp bmp;
  bmp.bytes = start.bytes;
  const auto number = [&](std::size_t at, std::size_t length) { return number_at(where, start.bytes, at, length); };
  bmp.pixels_at = number(10, 4);
  const std::size_t header = number(kFileHeader, 4);
  const bool core = header == kCoreHeader;
  constexpr std::array<std::size_t, 7> kHeaders = {kCoreHeader, kInfoHeader, 52, 56, 64, 108, 124};
  if (std::find(kHeaders.begin(), kHeaders.end(), header) == kHeaders.end())
    fail_bmp(where, fmt::format("a header of {} bytes is not known", header));
  const auto size_of = [&](std::size_t at) {
    return core ? int64_t{number(kFileHeader + 4 + at / 2, 2)} : int64_t{static_cast<int32_t>(number(18 + at, 4))};
  };
  const int64_t width = size_of(0), height = size_of(4);
  check_pixels(where, height < 0 ? -height : height, width, max_pixels);
  bmp.width = static_cast<int32_t>(width);
  bmp.height = static_cast<int32_t>(height < 0 ? -height : height);
  bmp.from_top = height < 0;
  bmp.bits = number(kFileHeader + (core ? 10 : 14), 2);
  bmp.compression = core ? kPlain : number(30, 4);
  if (bmp.compression == kJpegInside || bmp.compression == kPngInside || header == 64)
    if (bmp.compression != kPlain) throw_data(where, "is a BMP of a kind that is not read", "save it as PNG");
  const uint32_t used = core ? 0 : number(46, 4);
  const bool masked = bmp.compression == kBitFields || bmp.compression == kAlphaFields;
  constexpr std::array<uint32_t, 7> kBits = {1, 2, 4, 8, 16, 24, 32};
  if (std::find(kBits.begin(), kBits.end(), bmp.bits) == kBits.end() || bmp.compression > kAlphaFields ||
      (bmp.compression == kRle8 && bmp.bits != 8) || (bmp.compression == kRle4 && bmp.bits != 4) ||
      (masked && bmp.bits != 16 && bmp.bits != 32))
    fail_bmp(where, fmt::format("{} bits a pixel in compression {} do not exist", bmp.bits, bmp.compression));
  const std::size_t masks = read_masks(bmp, where, header);
  if (bmp.indexed()) read_palette(bmp, where, kFileHeader + header + masks, core ? 3 : 4, used);
  const bool packed = bmp.compression == kRle8 || bmp.compression == kRle4;
  // The last row may lack what fills it up to four bytes.
  const int64_t promised = packed ? 0 : bmp.stride() * (bmp.height - 1) + (bmp.row_bits() + 7) / 8;
  if (static_cast<int64_t>(bmp.pixels_at) + promised > start.size ||
      (packed && int64_t{bmp.width} * bmp.height > most_inflated(start.size)))
    throw_claim(where, bmp.height, width, start.size);
  return bmp;
}

/// Numbers of colours, the top row first. What a file skips or leaves out after its end mark is colour 0.
std::vector<uint8_t> unpack_rle(const Bmp& bmp, const std::string& where) {
  const auto width = static_cast<std::size_t>(bmp.width), height = static_cast<std::size_t>(bmp.height);
  std::vector<uint8_t> numbers(width * height);
  std::size_t at = bmp.pixels_at, x = 0, y = 0;
  const auto next = [&] {
    if (at >= bmp.bytes.size()) fail_bmp(where, "it ends within its pixels");
    return bmp.bytes[at++];
  };
  const auto put = [&](unsigned number) {  // what goes beyond its row is dropped, as everybody does
    if (x < width && y < height)
      numbers[(bmp.from_top ? y : height - 1 - y) * width + x] = static_cast<uint8_t>(number);
    ++x;
  };
  const bool four = bmp.compression == kRle4;
  while (y < height) {
    const unsigned count = next(), value = next();
    if (count > 0) {
      for (unsigned i = 0; i < count; ++i) put(!four ? value : i % 2 == 0 ? value >> 4 : value & 15);
    } else if (value == 0) {  // end of row
      x = 0;
      ++y;
    } else if (value == 1) {  // end of image
      break;
    } else if (value == 2) {  // right and up
      x += next();
      y += next();
    } else {  // as many as they are, up to an even number of bytes
      const std::size_t bytes = four ? (value + 1) / 2 : value;
      unsigned pair = 0;
      for (unsigned i = 0; i < value; ++i) {
        if (!four || i % 2 == 0) pair = next();
        put(!four ? pair : i % 2 == 0 ? pair >> 4 : pair & 15);
      }
      if (bytes % 2 == 1) next();
    }
    if (y + 1 == height && x >= width && at >= bmp.bytes.size()) break;  // whole, but for its end mark
  }
  return numbers;
}

std::vector<uint8_t> unpack_plain(const Bmp& bmp) {
  std::vector<uint8_t> numbers;
  numbers.reserve(static_cast<std::size_t>(bmp.width) * static_cast<std::size_t>(bmp.height));
  const unsigned mask = (1u << bmp.bits) - 1;
  for (int32_t y = 0; y < bmp.height; ++y) {
    const int64_t row = bmp.stride() * (bmp.from_top ? y : bmp.height - 1 - y);
    const uint8_t* from = bmp.bytes.data() + bmp.pixels_at + row;
    for (std::size_t x = 0; x < static_cast<std::size_t>(bmp.width); ++x) {
      const std::size_t bit = x * bmp.bits;
      numbers.push_back(static_cast<uint8_t>(from[bit / 8] >> (8 - bmp.bits - bit % 8) & mask));
    }
  }
  return numbers;
}

Image read_colours(const Bmp& bmp) {
  const bool alpha = bmp.channels[3].mask != 0;
  Image image{bmp.height, bmp.width, alpha ? 4 : 3, {}};
  const auto width = static_cast<std::size_t>(bmp.width), channels = static_cast<std::size_t>(image.channels);
  image.pixels.resize(width * static_cast<std::size_t>(bmp.height) * channels);
  uint8_t* to = image.pixels.data();
  const std::size_t step = bmp.bits / 8;
  bool seen = false;
  for (int32_t y = 0; y < bmp.height; ++y) {
    const int64_t row = bmp.stride() * (bmp.from_top ? y : bmp.height - 1 - y);
    const uint8_t* from = bmp.bytes.data() + bmp.pixels_at + row;
    for (std::size_t x = 0; x < width; ++x, from += step, to += channels) {
      if (step == 3) {
        std::reverse_copy(from, from + 3, to);
        continue;
      }
      uint32_t pixel = 0;
      for (std::size_t i = step; i > 0; --i) pixel = pixel << 8 | from[i - 1];
      for (std::size_t c = 0; c < channels; ++c) to[c] = bmp.channels[c].of(pixel);
      seen = seen || (alpha && to[3] != 0);
    }
  }
  if (alpha && !seen)  // many programs promise transparency and leave it at 0
    for (std::size_t i = 3; i < image.pixels.size(); i += 4) image.pixels[i] = 255;
  return image;
}

}  // namespace

Image decode_bmp(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  const Bmp bmp = open_bmp(where, {bytes, static_cast<int64_t>(bytes.size())}, max_pixels);
  if (!bmp.indexed()) return read_colours(bmp);
  const bool packed = bmp.compression == kRle8 || bmp.compression == kRle4;
  return paint(where, packed ? unpack_rle(bmp, where) : unpack_plain(bmp), bmp.height, bmp.width, bmp.palette);
}

ImageShape bmp_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  const Bmp bmp = open_bmp(where, start, max_pixels);
  return {bmp.height, bmp.width, bmp.indexed() ? palette_channels(bmp.palette) : 3};
}

}  // namespace fewlabel::detail
