#include "modalities/image/decode/decode.h"

#include <functional>

#include "files.h"
#include "modalities/image/decode/encode.h"
#include "modalities/image/decode/exif.h"

namespace fewlabel::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr int64_t kLimit = 178'956'970;

std::span<const uint8_t> span_of(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}
Image decode(const std::string& bytes, int64_t limit = kLimit, const ImageShape& target = {}) {
  return decode_image("it", span_of(bytes), {limit, target});
}

/// A grey JPEG with the pixels that `value` gives.
std::string grey_jpeg(int width, int height, const std::function<int(int y, int x)>& value) {
  std::string pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) pixels += static_cast<char>(value(y, x));
  return encode_jpeg(width, height, TJPF_GRAY, pixels);
}

std::string little_endian(uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}
std::string number(bool little, uint32_t value, int bytes) {
  const std::string text = little_endian(value, bytes);
  return little ? text : std::string(text.rbegin(), text.rend());
}

struct Exif {
  bool little = true;
  uint32_t value = 6, tag = 0x0112, type = 3, count = 1, entries = 2, directory = 8;
};
/// `jpeg` with an APP1 segment after its first marker: another entry, then the orientation.
std::string with_exif(const std::string& jpeg, const Exif& exif) {
  const auto put = [&](uint32_t value, int bytes) { return number(exif.little, value, bytes); };
  const std::string other = put(0x0100, 2) + put(4, 2) + put(1, 4) + put(640, 4);
  const std::string entry =
      put(exif.tag, 2) + put(exif.type, 2) + put(exif.count, 4) + put(exif.value, 2) + std::string(2, '\0');
  const std::string tiff = (exif.little ? "II" : "MM") + put(42, 2) + put(exif.directory, 4) + put(exif.entries, 2) +
                           other + entry + std::string(4, '\0');
  const std::string body = std::string("Exif\0\0", 6) + tiff;
  const auto length = static_cast<uint32_t>(body.size() + 2);
  return jpeg.substr(0, 2) + "\xff\xe1" + number(false, length, 2) + body + jpeg.substr(2);
}

std::vector<int> first_pixel(const Image& image) {
  return {image.pixels.begin(), image.pixels.begin() + image.channels};
}

void expect_near(const Image& image, std::vector<int> wanted) {
  ASSERT_EQ(static_cast<std::size_t>(image.channels), wanted.size());
  for (std::size_t c = 0; c < wanted.size(); ++c) EXPECT_NEAR(image.pixels[c], wanted[c], 3);
}

TEST(Decode, PngKeepsItsPixelsThroughEncoding) {
  Image image{2, 3, 3, {}};
  for (int i = 0; i < 18; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 14));
  const Image back = decode(encode_png(image));
  EXPECT_EQ(back.height, 2);
  EXPECT_EQ(back.width, 3);
  EXPECT_EQ(back.pixels, image.pixels);
  expect_error(ErrorKind::failure, "1 or 3 channels", [] { encode_png({2, 2, 2, {}}); });
}

TEST(Decode, PngReducesSixteenBitsAndComposesAlphaOnWhite) {
  const Image deep = decode(png(2, 1, 16, 0, std::string("\x80\x00\xff\xff", 4)));
  EXPECT_THAT(deep.pixels, ElementsAre(128, 255));
  EXPECT_EQ(deep.channels, 1);
  const Image clear = decode(png(2, 1, 8, 6, std::string("\x0a\x14\x1e\x00\x0a\x14\x1e\xff", 8)));
  EXPECT_THAT(clear.pixels, ElementsAre(255, 255, 255, 10, 20, 30));
  EXPECT_THAT(decode(png(1, 1, 8, 4, std::string("\x00\x80", 2))).pixels, ElementsAre(127));
  EXPECT_THAT(decode(png(8, 1, 1, 0, "\xf0")).pixels, ElementsAre(255, 255, 255, 255, 0, 0, 0, 0));
}

TEST(Decode, JpegGivesGreyColourAndCmyk) {
  expect_near(decode(jpeg(16, TJPF_GRAY, "\x50")), {0x50});
  expect_near(decode(jpeg(16, TJPF_RGB, "\xc8\x64\x32")), {200, 100, 50});
  // Written with the Adobe marker, so inverted: 255 is no ink. 200 · 128 / 255 = 100.
  expect_near(decode(jpeg(16, TJPF_CMYK, "\xc8\xff\x64\x80")), {100, 128, 50});
}

TEST(Decode, JpegIsTurnedAsItsOrientationSays) {
  // Exif 2.32, 4.6.4 A: which side of the visual image the 0th row and the 0th column of the stored one are.
  const std::vector<std::vector<int>> seen = {{0, 1, 2, 3, 4, 5}, {2, 1, 0, 5, 4, 3}, {5, 4, 3, 2, 1, 0},
                                              {3, 4, 5, 0, 1, 2}, {0, 3, 1, 4, 2, 5}, {3, 0, 4, 1, 5, 2},
                                              {5, 2, 4, 1, 3, 0}, {2, 5, 1, 4, 0, 3}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Image image{2, 3, 1, {0, 1, 2, 3, 4, 5}};
    detail::orient(image, orientation);
    EXPECT_THAT(image.pixels, ::testing::ElementsAreArray(seen[static_cast<std::size_t>(orientation - 1)]));
    EXPECT_EQ(image.height, orientation < 5 ? 2 : 3);
  }
  const std::string wide = grey_jpeg(16, 8, [](int, int x) { return x < 8 ? 40 : 200; });
  for (const bool little : {true, false}) {
    const Image tall = decode(with_exif(wide, {.little = little, .value = 8}));
    ASSERT_EQ(tall.height, 16);
    ASSERT_EQ(tall.width, 8);
    EXPECT_NEAR(tall.pixels[0], 200, 2);
    EXPECT_NEAR(tall.pixels[8 * 15], 40, 2);
  }
  const std::string colour = jpeg(16, TJPF_RGB, "\xc8\x64\x32");
  expect_near(decode(with_exif(colour, {})), {200, 100, 50});
}

TEST(Header, TellsTheShapeThatDecodingGives) {
  const std::string wide = grey_jpeg(16, 8, [](int, int x) { return x < 8 ? 40 : 200; });
  std::vector<std::string> files = {png(2, 3, 8, 0, std::string(6, 'x')),
                                    png(2, 1, 16, 0, std::string(4, 'x')),
                                    png(8, 1, 1, 0, "\xf0"),
                                    png(1, 2, 8, 2, std::string(6, 'x')),
                                    png(1, 2, 8, 4, std::string(4, 'x')),
                                    png(2, 1, 8, 6, std::string(8, 'x')),
                                    jpeg(16, TJPF_GRAY, "\x50"),
                                    jpeg(16, TJPF_RGB, "\xc8\x64\x32"),
                                    jpeg(16, TJPF_CMYK, "\xc8\xff\x64\x80"),
                                    webp(5, "\x10\x20\x30"),
                                    webp(6, "\x10\x20\x30\x40")};
  std::string palette = png(4, 2, 8, 3, std::string(8, '\0'));
  palette.insert(33, chunk("PLTE", "\x10\x20\x30"));  // behind IHDR
  files.push_back(palette);
  palette.insert(33 + 15, chunk("tRNS", "\x80"));
  files.push_back(palette);
  for (uint32_t orientation = 0; orientation <= 9; ++orientation)
    files.push_back(with_exif(wide, {.value = orientation}));
  for (const std::string& file : files) {
    const Image image = decode(file);
    EXPECT_EQ(image_header("it", {span_of(file), static_cast<int64_t>(file.size())}, kLimit),
              (ImageShape{image.height, image.width, image.channels}))
        << &file - files.data();
  }
}

TEST(Header, RefusesWhatDecodingRefusesByIt) {
  const auto header = [](const std::string& file, int64_t limit = kLimit) {
    return image_header("it", {span_of(file), static_cast<int64_t>(file.size())}, limit);
  };
  expect_error(ErrorKind::data, "is empty", [&] { header(""); });
  expect_error(ErrorKind::data, "is no image by its content", [&] { header("this is a text"); });
  expect_error(ErrorKind::data, "but has only", [&] { header(png(10000, 10000, 8, 2, "")); });
  expect_error(ErrorKind::data, "more than the limit of 15", [&] { header(grey_png(1), 15); });
  expect_error(ErrorKind::data, "more than the limit of 24", [&] { header(webp(5, "\x10\x20\x30"), 24); });
  expect_error(ErrorKind::data, "damaged or cut PNG", [&] { header(grey_png(1).substr(0, 30)); });
  expect_error(ErrorKind::data, "damaged or cut JPEG", [&] { header(jpeg(16, TJPF_GRAY, "\x50").substr(0, 40)); });
}

TEST(Decode, OrientationOutOfOrderCountsAsNone) {
  const auto of = [](const std::string& bytes) { return detail::jpeg_orientation(span_of(bytes)); };
  const std::string plain = jpeg(16, TJPF_GRAY, "\x50");
  ASSERT_EQ(of(with_exif(plain, {})), 6);
  EXPECT_EQ(of(plain), 1);
  EXPECT_EQ(of(with_exif(plain, {.value = 0})), 1);
  EXPECT_EQ(of(with_exif(plain, {.value = 9})), 1);
  EXPECT_EQ(of(with_exif(plain, {.type = 4})), 1);
  EXPECT_EQ(of(with_exif(plain, {.count = 2})), 1);
  EXPECT_EQ(of(with_exif(plain, {.entries = 1})), 1);
  EXPECT_EQ(of(with_exif(plain, {.tag = 0x0113, .entries = 0xffff})), 1);
  for (const uint32_t directory : {36u, 37u, 1000u, 0xfffffff0u, 0xffffffffu})
    EXPECT_EQ(of(with_exif(plain, {.directory = directory})), 1);
  const std::string whole = with_exif(plain, {});
  for (std::size_t size = 0; size < 40; ++size) EXPECT_EQ(of(whole.substr(0, size)), 1);
}

TEST(Decode, JpegOfManyTimesTheTargetIsDecodedSmaller) {
  const std::string picture = grey_jpeg(320, 264, [](int y, int x) { return 128 + 60 * ((x / 24 + y / 40) % 2); });
  const ImageShape target{16, 16, 1};
  const Image small = decode(picture, kLimit, target), whole = decode(picture);
  EXPECT_EQ(small.width, 40);
  EXPECT_EQ(small.height, 33);
  EXPECT_EQ(whole.width, 320);
  std::vector<uint8_t> from_small(256), from_whole(256);
  resize_into(small, target, from_small.data());
  resize_into(whole, target, from_whole.data());
  for (std::size_t i = 0; i < 256; ++i) EXPECT_NEAR(from_small[i], from_whole[i], 6) << i;
  EXPECT_EQ(decode(picture, kLimit, {160, 160, 1}).width, 320) << "less than twice the target would be left";
  expect_error(ErrorKind::data, "more than the limit of 1,000", [&] { decode(picture, 1000, target); });
  // 64 × 32 as stored is 32 × 64 as seen: half of it is twice 8 × 16 as seen.
  const std::string turned = with_exif(grey_jpeg(64, 32, [](int, int) { return 9; }), {});
  EXPECT_EQ(decode(turned, kLimit, {16, 8, 1}).width, 16);
}

TEST(Decode, WebpGivesColourAndComposesAlpha) {
  EXPECT_THAT(first_pixel(decode(webp(4, "\x0a\x14\x1e"))), ElementsAre(10, 20, 30));
  EXPECT_THAT(first_pixel(decode(webp(4, std::string("\x0a\x14\x1e\x80", 4)))), ElementsAre(132, 137, 142));
}

TEST(Decode, NamesFileAndReason) {
  const auto refuses = [](const std::string& bytes, const std::string& part) {
    expect_error(ErrorKind::data, "[it] " + part, [&] { decode(bytes); });
  };
  refuses("", "is empty (0 bytes)");
  refuses("just a text", "is no image by its content (JPEG, PNG");
  const std::string whole = png(64, 64, 8, 0, [] {
    std::string noise;
    for (int i = 0; i < 64 * 64; ++i) noise += static_cast<char>(i * 7919 >> 3);
    return noise;
  }());
  refuses(whole.substr(0, whole.size() / 2), "is a damaged or cut PNG");
  refuses(whole.substr(0, 20), "is a damaged or cut PNG");
  const std::string picture = jpeg(64, TJPF_RGB, "\x10\x90\x30");
  refuses(picture.substr(0, picture.size() - 20), "is a damaged or cut JPEG");
  refuses(picture.substr(0, 10), "is a damaged or cut JPEG");
  const std::string small = webp(16, "\x01\x02\x03");
  refuses(small.substr(0, small.size() - 5), "is a damaged or cut WebP");
}

TEST(Decode, RefusesSizesBeforeTakingMemory) {
  expect_error(ErrorKind::data, "claims 30000 × 30000 pixels, more than the limit of 178,956,970",
               [] { decode(png(30000, 30000, 8, 2, "")); });
  expect_error(ErrorKind::data, "claims 12000 × 12000 pixels but has only",
               [] { decode(png(12000, 12000, 8, 2, "")); });
  expect_error(ErrorKind::data, "more than the limit of 100", [] { decode(jpeg(16, TJPF_RGB, "abc"), 100); });
  expect_error(ErrorKind::data, "more than the limit of 100", [] { decode(webp(16, "abc"), 100); });
}

TEST(Decode, SurvivesFlippedBytes) {
  for (const std::string& good :
       {grey_png(7, 32), with_exif(jpeg(32, TJPF_RGB, "\x10\x90\x30"), {}), webp(32, "\x10\x90\x30")})
    for (std::size_t i = 0; i < good.size(); ++i)
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ flip);
        try {
          decode(bad, 1 << 20, {8, 8, 1});
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::data);
        }
      }
}

TEST(Resize, KeepsCropsAveragesAndInterpolates) {
  Image image{2, 4, 1, {0, 10, 20, 30, 40, 50, 60, 70}};
  std::vector<uint8_t> out(8);
  resize_into(image, {2, 4, 1}, out.data());
  EXPECT_EQ(out, image.pixels);
  resize_into(image, {1, 1, 1}, out.data());  // the central 2 × 2
  EXPECT_EQ(out[0], 35);
  resize_into(image, {1, 2, 1}, out.data());
  EXPECT_THAT(std::vector<int>(out.begin(), out.begin() + 2), ElementsAre(25, 45));
  std::vector<uint8_t> large(4);
  resize_into({1, 2, 1, {0, 100}}, {1, 4, 1}, large.data());  // the central part is 0.5 high, so 2 wide becomes 4
  EXPECT_THAT(large, ElementsAre(0, 25, 75, 100));
}

TEST(Resize, ConvertsChannels) {
  std::vector<uint8_t> out(12);
  resize_into({2, 2, 1, {9, 9, 9, 9}}, {2, 2, 3}, out.data());
  EXPECT_THAT(out, Each(9));
  resize_into({1, 1, 3, {200, 100, 50}}, {1, 1, 1}, out.data());
  EXPECT_EQ(out[0], 124);  // 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2
  expect_error(ErrorKind::failure, "1 or 3 channels", [&] { resize_into({1, 1, 3, {1}}, {1, 1, 1}, out.data()); });
}

}  // namespace
}  // namespace fewlabel::testing
