// The decoder is libjpeg's own interface; what TurboJPEG's gives is the measure.
#include <functional>

#include "files.h"
#include "modalities/image/decode/decode.h"

namespace fewlabel::testing {
namespace {

constexpr int64_t kLimit = 178'956'970;

Image decode(const std::string& bytes, const ImageShape& target = {}) {
  return decode_image("it", {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, {kLimit, target});
}

/// Waves with noise, so that every frequency is there.
std::string written(int width, int height, int format, int subsampling, int quality, int flags = 0) {
  std::string pixels;
  const int channels = tjPixelSize[format];
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        pixels += static_cast<char>(128 + 60 * ((x / 9 + y / 7 + c) % 2) + (x * 7919 + y * 104729 + c * 31) % 60 - 30);
  const tjhandle handle = tjInitCompress();
  unsigned char* out = nullptr;
  unsigned long size = 0;
  tjCompress2(handle, reinterpret_cast<const unsigned char*>(pixels.data()), width, 0, height, format, &out, &size,
              subsampling, quality, flags);
  std::string result(reinterpret_cast<char*>(out), size);
  tjFree(out);
  tjDestroy(handle);
  return result;
}

std::vector<uint8_t> by_turbojpeg(const std::string& bytes, int width, int height, int format) {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                              static_cast<std::size_t>(tjPixelSize[format]));
  const tjhandle handle = tjInitDecompress();
  tjDecompress2(handle, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), pixels.data(), width, 0,
                height, format, TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT);
  tjDestroy(handle);
  return pixels;
}

TEST(Jpeg, GivesThePixelsOfTurboJpegAtEverySize) {
  for (const int quality : {40, 90})
    for (const int flags : {0, TJFLAG_PROGRESSIVE})
      for (const int subsampling : {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_440, TJSAMP_411, TJSAMP_GRAY}) {
        const bool grey = subsampling == TJSAMP_GRAY;
        const int format = grey ? TJPF_GRAY : TJPF_RGB;
        const std::string file = written(203, 149, format, subsampling, quality, flags);
        for (const int by : {1, 2, 4, 8}) {
          const int width = TJSCALED(203, (tjscalingfactor{1, by})), height = TJSCALED(149, (tjscalingfactor{1, by}));
          const ImageShape target{149 / by / 2, 203 / by / 2, 3};
          const Image image = decode(file, by == 1 ? ImageShape{} : target);
          ASSERT_EQ(image.width, width);
          ASSERT_EQ(image.height, height);
          EXPECT_EQ(image.pixels, by_turbojpeg(file, width, height, format))
              << "subsampling " << subsampling << ", 1/" << by << ", flags " << flags;
        }
      }
}

/// Two bytes that belong to nothing, before the tables.
std::string with_stray_bytes(const std::string& file) {
  const auto at = file.find("\xff\xdb");
  return file.substr(0, at) + std::string(2, '\0') + file.substr(at);
}

TEST(Jpeg, StrayBytesCostNothingAndHideNoCut) {
  for (const int flags : {0, TJFLAG_PROGRESSIVE}) {
    const std::string file = written(200, 150, TJPF_RGB, TJSAMP_420, 90, flags), stray = with_stray_bytes(file);
    EXPECT_EQ(decode(stray).pixels, decode(file).pixels);
    for (std::size_t part = 1; part < 20; ++part) {
      expect_error(ErrorKind::data, "is a damaged or cut JPEG (",
                   [&] { decode(file.substr(0, file.size() * part / 20)); });
      expect_error(ErrorKind::data, "is a damaged or cut JPEG (",
                   [&] { decode(stray.substr(0, stray.size() * part / 20)); });
    }
    expect_error(ErrorKind::data, "is a damaged or cut JPEG (", [&] { decode(stray.substr(0, stray.size() - 2)); });
  }
}

TEST(Jpeg, AVersionThatNobodyKnowsIsNoDamage) {
  std::string file = written(32, 32, TJPF_RGB, TJSAMP_444, 90);
  const Image before = decode(file);
  const auto at = file.find("JFIF");
  ASSERT_NE(at, std::string::npos);
  file[at + 5] = 9;
  EXPECT_EQ(decode(file).pixels, before.pixels);
}

/// A grey block of 8 × 8 whose coefficients come one by one, bit by bit, as the standard allows: all are 0.
std::string of_scans(int count) {
  const auto segment = [](char marker, const std::string& body) {
    const auto size = static_cast<uint32_t>(body.size() + 2);
    return std::string("\xff") + marker + big_endian(size).substr(2) + body;
  };
  std::string file = "\xff\xd8" + segment('\xdb', '\0' + std::string(64, '\1')) +
                     segment('\xc2', std::string("\x08\0\x08\0\x08\1\1\x11\0", 9));
  for (const char table : {'\x00', '\x10'})  // one code, of one bit, for 0
    file += segment('\xc4', table + std::string("\1", 1) + std::string(16, '\0'));
  const auto scan = [&](int coefficient, int before, int bit) {
    const char place = static_cast<char>(coefficient);
    file += segment('\xda', std::string("\1\1\0", 3) + place + place + static_cast<char>(before << 4 | bit)) + "\x7f";
  };
  scan(0, 0, 0);
  for (int i = 0; i < count - 1; ++i) scan(1 + i / 14, i % 14 == 0 ? 0 : 14 - i % 14, 13 - i % 14);
  return file + "\xff\xd9";
}

TEST(Jpeg, HundredsOfScansAreRefused) {
  EXPECT_THAT(decode(of_scans(500)).pixels, ::testing::Each(128));
  expect_error(ErrorKind::data, "is a damaged or cut JPEG (it has more than 500 scans)", [] { decode(of_scans(502)); });
}

// Pillow 13 reads every CMYK JPEG as inverted ("assume adobe conventions"), and so do Chromium (Skia's codec) and
// Firefox (nsJPEGDecoder). tests/golden/images.json has both files with Pillow's pixels.
TEST(Jpeg, CmykIsInvertedWithAndWithoutTheAdobeMarker) {
  const std::string file = jpeg(16, TJPF_CMYK, "\xc8\xff\x64\x80");
  const Image image = decode(file);
  for (const int c : {0, 1, 2})
    EXPECT_NEAR(image.pixels[static_cast<std::size_t>(c)],
                (std::vector<int>{100, 128, 50})[static_cast<std::size_t>(c)], 3);
}

}  // namespace
}  // namespace fewlabel::testing
