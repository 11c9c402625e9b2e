// TIFF, BMP and GIF that lie: refused with one sentence, before the memory is taken that they ask for.
#include <limits>
#include <map>

#include "files.h"
#include "modalities/image/decode/decode.h"

namespace fewlabel::testing {
namespace {

constexpr int64_t kLimit = 178'956'970;

Image decode(const std::string& bytes) {
  return decode_image("it", {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, {kLimit, {}});
}
/// By decoding and by the header alone, unless only the pixels show it.
void refuses(const std::string& bytes, const std::string& part, bool by_header = true) {
  SCOPED_TRACE(part + ", file of " + std::to_string(bytes.size()));
  expect_error(ErrorKind::data, "[it] " + part, [&] { decode(bytes); });
  if (by_header)
    expect_error(ErrorKind::data, "[it] " + part, [&] {
      image_header("it",
                   {{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, static_cast<int64_t>(bytes.size())},
                   kLimit);
    });
}

template <typename T>
std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}
std::string word(uint32_t value) { return raw<uint32_t>({value}); }
std::string half(uint32_t value) { return raw<uint16_t>({static_cast<uint16_t>(value)}); }

/// A strip with these pixels; `tags` replaces those of 2 × 2 grey pixels, and one with the value kNone goes.
constexpr uint32_t kNone = 0xffffffff;
std::string tiff(const std::string& pixels, const std::map<uint32_t, uint32_t>& tags) {
  std::map<uint32_t, uint32_t> all = {{256, 2},      {257, 2}, {258, 8},
                                      {259, 1},      {262, 1}, {277, 1},
                                      {278, 100000}, {273, 8}, {279, static_cast<uint32_t>(pixels.size())}};
  for (const auto& [tag, value] : tags) all[tag] = value;
  std::string entries;
  uint32_t count = 0;
  for (const auto& [tag, value] : all) {
    if (value == kNone) continue;
    const bool wide = tag == 256 || tag == 257 || tag == 273 || tag == 278 || tag == 279 || tag >= 322;
    entries += half(tag) + half(wide && tag != 338 && tag != 339 ? 4 : 3) + word(1) + word(value);
    ++count;
  }
  const std::string body = pixels + std::string(pixels.size() % 2, '\0');
  return std::string("II*\0", 4) + word(static_cast<uint32_t>(8 + body.size())) + body + half(count) + entries +
         word(0);
}

TEST(HostileTiff, SizesThatLie) {
  ASSERT_EQ(decode(tiff("abcd", {})).pixels, (std::vector<uint8_t>{'a', 'b', 'c', 'd'}));
  refuses(tiff("abcd", {{256, 30000}, {257, 30000}}), "claims 30000 × 30000 pixels, more than the limit");
  refuses(tiff("abcd", {{256, 4'000'000'000u}, {257, 4'000'000'000u}}), "claims 4000000000 × 4000000000 pixels");
  refuses(tiff("abcd", {{256, 0}}), "");
  for (const uint32_t compression : {1u, 5u, 8u, 32773u})
    refuses(tiff("abcd", {{256, 10000}, {257, 10000}, {259, compression}}), "claims 10000 × 10000 pixels but has only");
  refuses(tiff("abcd", {{322, 0x40000000}, {323, 0x40000000}, {324, 8}, {325, 4}}), "");
  refuses(tiff("abcd", {{322, 1 << 20}, {323, 1 << 20}, {324, 8}, {325, 4}}),
          "is a damaged or cut TIFF (it claims rows or tiles of 1099511627776 bytes)");
  refuses(tiff("abcd", {{277, 60000}}), "");
  refuses(tiff("abcd", {{256, 12000}, {257, 12000}, {258, 64}, {259, 50000}, {339, 3}, {277, 2}, {338, 2}}),
          "claims 12000 × 12000 pixels of 16 bytes, more than the limit allows");
  refuses(tiff("abcd", {{273, 4000}}), "is a damaged or cut TIFF", false);
  refuses(tiff("abcd", {{259, 8}}), "is a damaged or cut TIFF", false);
  refuses(tiff("abcd", {{259, 4711}}), "is a damaged or cut TIFF", false);
}

// libtiff only warns of it, and what is missing would be grey.
TEST(HostileTiff, JpegCutWithinItsStrip) {
  std::string noise;
  for (int i = 0; i < 32 * 32; ++i) noise += static_cast<char>(i * 7919 >> 3);
  const std::string whole = encode_jpeg(32, 32, TJPF_GRAY, noise);
  const std::map<uint32_t, uint32_t> tags = {{256, 32}, {257, 32}, {259, 7}};
  EXPECT_EQ(decode(tiff(whole, tags)).pixels, decode(whole).pixels);
  for (std::size_t part = 1; part < 8; ++part)
    refuses(tiff(whole.substr(0, whole.size() * part / 8), tags), "is a damaged or cut TIFF (", false);
}

TEST(HostileTiff, NumbersThatAreNoPicture) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::map<uint32_t, uint32_t> real = {{257, 1}, {258, 32}, {339, 3}};
  ASSERT_EQ(decode(tiff(raw({0.0f, 1.0f}), real)).pixels, (std::vector<uint8_t>{0, 255}));
  refuses(tiff(raw({0.5f, 1.5f}), real), "value 1.5 lies outside [0, 1]", false);
  refuses(tiff(raw({0.5f, -0.5f}), real), "value -0.5 lies outside [0, 1]", false);
  refuses(tiff(raw({0.5f, kNan}), real), "value nan lies outside [0, 1]", false);
  refuses(tiff(raw<int16_t>({5, -7}), {{257, 1}, {258, 16}, {339, 2}}), "value -7 is negative", false);
  ASSERT_EQ(decode(tiff(raw<int16_t>({0, 4095}), {{257, 1}, {258, 16}, {339, 2}})).pixels,
            (std::vector<uint8_t>{0, 255}));
  refuses(tiff("abcd", {{257, 1}, {258, 16}, {339, 3}}), "is a TIFF of reals of 16 bits");
  refuses(tiff("abcdefgh", {{257, 1}, {258, 32}, {339, 5}}), "is a TIFF of complex numbers in 32 bits");
  refuses(tiff("abcdefghijkl", {{277, 3}}), "is a TIFF of 3 channels that are not said to be colours");
  refuses(tiff("abcdefgh", {{277, 2}, {262, 2}}), "is a damaged or cut TIFF (");
  refuses(tiff("abcd", {{262, 3}, {258, 4}}), "is a damaged or cut TIFF (");
}

/// 40 bytes of header and a palette of `colours` greys.
std::string bmp(int32_t width, int32_t height, uint32_t bits, uint32_t compression, uint32_t colours,
                const std::string& pixels, uint32_t header = 40) {
  std::string palette;
  for (uint32_t i = 0; i < colours; ++i) palette += word(i * 0x010101);
  const auto at = static_cast<uint32_t>(54 + palette.size());
  return "BM" + word(at + static_cast<uint32_t>(pixels.size())) + word(0) + word(at) + word(header) +
         raw<int32_t>({width, height}) + half(1) + half(bits) + word(compression) + word(0) + word(0) + word(0) +
         word(colours) + word(0) + palette + pixels;
}

TEST(HostileBmp, HeadersThatLie) {
  const std::string row("\1\2\0\0", 4);
  ASSERT_EQ(decode(bmp(2, 1, 8, 0, 3, row)).pixels, (std::vector<uint8_t>{1, 2}));
  refuses(bmp(30000, 30000, 8, 0, 3, row), "claims 30000 × 30000 pixels, more than the limit");
  refuses(bmp(10000, 10000, 8, 0, 3, row), "claims 10000 × 10000 pixels but has only");
  refuses(bmp(10000, 10000, 8, 1, 3, row), "claims 10000 × 10000 pixels but has only");
  refuses(bmp(2, std::numeric_limits<int32_t>::min(), 8, 0, 3, row), "claims 2 × 2147483648 pixels");
  refuses(bmp(-2, 1, 8, 0, 3, row), "has an impossible size of -2 × 1");
  refuses(bmp(2, 0, 8, 0, 3, row), "has an impossible size of 2 × 0");
  refuses(bmp(2, 2, 8, 0, 3, row), "claims 2 × 2 pixels but has only");
  refuses(bmp(2, 1, 7, 0, 3, row), "is a damaged or cut BMP (7 bits a pixel in compression 0 do not exist)");
  refuses(bmp(2, 1, 24, 1, 3, row), "is a damaged or cut BMP (24 bits a pixel in compression 1 do not exist)");
  refuses(bmp(2, 1, 8, 9, 3, row), "is a damaged or cut BMP (8 bits a pixel in compression 9 do not exist)");
  refuses(bmp(2, 1, 8, 4, 3, row), "is a BMP of a kind that is not read");
  refuses(bmp(2, 1, 8, 0, 3, row, 99), "is a damaged or cut BMP (a header of 99 bytes is not known)");
  refuses(bmp(1, 1, 32, 3, 0, word(0x5) + word(0xff00) + word(0xff0000) + row), "is a damaged or cut BMP (its masks");
  refuses(bmp(2, 1, 8, 0, 2, row), "is damaged: a pixel has colour 2 of a palette of 2", false);
  refuses(bmp(2, 1, 8, 0, 3, row).substr(0, 30), "is a damaged or cut BMP (its header is cut)");
}

TEST(HostileBmp, RunsThatLeaveThePicture) {
  const auto rle = [](const std::string& pixels) { return bmp(2, 2, 8, 1, 256, pixels); };
  ASSERT_EQ(decode(rle(std::string("\2\7\0\0\2\x08\0\1", 8))).pixels, (std::vector<uint8_t>{8, 8, 7, 7}));
  EXPECT_EQ(decode(rle(std::string("\xff\7\0\0\xff\x08\0\1", 8))).pixels, (std::vector<uint8_t>{8, 8, 7, 7}));
  EXPECT_EQ(decode(rle(std::string("\0\2\xff\xff\xff\x09\0\1", 8))).pixels, (std::vector<uint8_t>{0, 0, 0, 0}));
  refuses(rle("\2\7"), "is a damaged or cut BMP (it ends within its pixels)", false);
  refuses(rle(std::string("\0\xff\7\7", 4)), "is a damaged or cut BMP (it ends within its pixels)", false);
  refuses(rle(std::string("\0\2\1", 3)), "is a damaged or cut BMP (it ends within its pixels)", false);
}

/// Two colours, black and white; the screen's size, then that of its picture.
std::string gif(uint32_t screen, uint32_t side, const std::string& pixels) {
  return "GIF89a" + half(screen) + half(screen) + std::string("\x80\0\0\0\0\0\xff\xff\xff", 9) + "," + half(0) +
         half(0) + half(side) + half(side) + std::string("\0\2", 2) + pixels;
}

TEST(HostileGif, SizesThatLieAndBombs) {
  // Codes of 3 bits: clear (4), 1, 0, 0, 1, end (5).
  const std::string four("\3\x0c\x10\x05\0", 5);
  ASSERT_EQ(decode(gif(2, 2, "\3" + std::string("\x0c\x12\x05", 3) + std::string(1, '\0') + ";")).pixels.size(), 4u);
  refuses(gif(65535, 2, four), "claims 65535 × 65535 pixels, more than the limit");
  refuses(gif(2, 65535, four), "claims 65535 × 65535 pixels, more than the limit");
  refuses(gif(2, 10000, four), "claims 10000 × 10000 pixels but has only");
  refuses(gif(2, 0, four), "is a damaged or cut GIF (");
  refuses(gif(2, 2, ""), "is a damaged or cut GIF (", false);
  refuses("GIF89a", "is a damaged or cut GIF (");
  refuses(gif(2, 2, four).substr(0, 22) + ";", "is a damaged or cut GIF (");
  std::string many = gif(2, 2, "\3" + std::string("\x0c\x12\x05", 3) + std::string(1, '\0'));
  const std::string frame = many.substr(22);
  for (int i = 0; i < 1000; ++i) many += frame;
  EXPECT_EQ(decode(many + "!\xff damage behind the first picture costs nothing").pixels.size(), 4u);
}

}  // namespace
}  // namespace fewlabel::testing
