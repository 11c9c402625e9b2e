// Every format against the pixels that Pillow reads: scripts/golden/images.py.
#include <nlohmann/json.hpp>

#include "files.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/heif.h"

namespace fewlabel::testing {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kLimit = 178'956'970;

std::span<const uint8_t> span_of(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}
Image decode(const std::string& bytes, int64_t limit = kLimit) {
  return decode_image("it", span_of(bytes), {limit, {}});
}
ImageShape header(const std::string& bytes, std::size_t start, int64_t limit = kLimit) {
  return image_header("it", {span_of(bytes).first(start), static_cast<int64_t>(bytes.size())}, limit);
}
ImageShape shape_of(const Image& image) { return {image.height, image.width, image.channels}; }

std::string from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    if (c == '=') break;
    held = held << 6 | static_cast<unsigned>(digits.find(c));
    bits += 6;
    if (bits >= 8) bytes += static_cast<char>(held >> (bits -= 8));
  }
  return bytes;
}

struct Case {
  std::string name, file, pixels;
  ImageShape shape;
  int tolerance = 0;
};
/// Those that this build reads; of the others only that they are refused with what to do.
std::vector<Case> cases(const std::string& kind = "") {
  std::ifstream in(std::string(FEWLABEL_GOLDEN) + "/images.json");
  std::vector<Case> result;
  for (const auto& c : nlohmann::json::parse(in)) {
    const std::string name = c.at("name");
    if (!name.starts_with(kind)) continue;
    const std::string abilities = detail::heif_abilities();
    if (name.starts_with("avif") && abilities.find("avif") == abilities.npos) continue;
    if (name.starts_with("heic") && abilities.find("heic") == abilities.npos) continue;
    const auto& shape = c.at("shape");
    result.push_back({name,
                      from_base64(c.at("file")),
                      from_base64(c.at("pixels")),
                      {shape.at(0), shape.at(1), shape.at(2)},
                      c.at("tolerance")});
  }
  return result;
}
const Case& the(const std::vector<Case>& all, const std::string& name) {
  for (const Case& c : all)
    if (c.name == name) return c;
  throw std::runtime_error("no case " + name);
}

TEST(Formats, GiveThePixelsThatPillowReads) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    Image image;
    ASSERT_NO_THROW(image = decode(c.file));
    EXPECT_EQ(header(c.file, c.file.size()), shape_of(image));
    // Pillow has no grey palettes; here they give grey.
    ASSERT_EQ(image.height, c.shape.height);
    ASSERT_EQ(image.width, c.shape.width);
    ASSERT_EQ(image.channels, c.shape.channels);
    int worst = 0;
    for (std::size_t i = 0; i < c.pixels.size(); ++i)
      worst = std::max(worst, std::abs(image.pixels[i] - static_cast<uint8_t>(c.pixels[i])));
    EXPECT_LE(worst, c.tolerance);
  }
}

TEST(Formats, AreToldByContent) {
  for (const auto& [kind, format] : std::vector<std::pair<std::string, std::string>>{
           {"tiff", "TIFF"}, {"bmp", "BMP"}, {"gif", "GIF"}, {"png", "PNG"}, {"webp", "WebP"}, {"jpeg", "JPEG"}})
    for (const Case& c : cases(kind)) EXPECT_EQ(to_string(sniff_image(span_of(c.file))), format) << c.name;
  const std::string gif = cases("gif").front().file;
  for (const char* name : {"a.gif", "a", "jpg"}) EXPECT_GT(decode_image(name, span_of(gif), {1 << 20, {}}).width, 0);
  expect_error(ErrorKind::data, "is a GIF called .png", [&] { decode_image("a.PNG", span_of(gif), {1 << 20, {}}); });
  EXPECT_EQ(sniff_image(span_of("BMW is a car, not a picture")), ImageFormat::unknown);
  const auto media = [](const std::string& brands) {
    return big_endian(8 + static_cast<uint32_t>(brands.size())) + "ftyp" + brands;
  };
  EXPECT_EQ(sniff_image(span_of(media(std::string("mif1\0\0\0\0mif1avif", 16)))), ImageFormat::avif);
  EXPECT_EQ(sniff_image(span_of(media(std::string("heic\0\0\0\0mif1heic", 16)))), ImageFormat::heic);
  EXPECT_EQ(sniff_image(span_of(media(std::string("isom\0\0\0\0isommp42", 16)))), ImageFormat::unknown) << "a film";
}

TEST(Formats, WithoutADecoderHeicSaysWhatToDo) {
  if (detail::heif_abilities().find("heic") != std::string::npos) GTEST_SKIP() << "HEIC is read here";
  const std::string file = big_endian(24) + std::string("ftypheic\0\0\0\0mif1heic", 20);
  try {
    decode(file);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_THAT(error.message(), HasSubstr("is HEIC, which this build of fewlabel does not read"));
    EXPECT_THAT(error.hint(), HasSubstr("save it as JPEG or PNG"));
  }
}

TEST(Formats, AHeaderIsReadFromTheFirstBytesOrSaysThatTheyAreTooFew) {
  for (const Case& c : cases())
    for (std::size_t start = 1; start < c.file.size(); start += start < 200 ? 1 : 37) try {
        ImageShape shape = header(c.file, start);
        if (c.name == "png orientation behind the pixels") continue;  // the exception
        EXPECT_EQ(shape, c.shape) << c.name << " from " << start;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
      }
}

TEST(Formats, WebpWithExifBehindItsPixelsAsksForTheWholeFile) {
  const auto all = cases("webp");
  const std::string& file = the(all, "webp orientation 6").file;
  expect_error(ErrorKind::data, "is a cut WebP (its EXIF is missing)", [&] { header(file, file.size() - 40); });
  EXPECT_EQ(header(file, file.size()).height, 7);
}

// What is lost from a file's end is noticed, wherever the cut is: no format's decoder may make pixels up.
TEST(Formats, CutFilesAreRefused) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const auto whole = decode(c.file);
    const std::size_t step = std::max<std::size_t>(1, c.file.size() / 97);
    for (std::size_t size = 0; size < c.file.size(); size += step) {
      // Behind the pixels a file may hold what nobody misses, and then the image is the same.
      try {
        Image image = decode(c.file.substr(0, size));
        if (c.name.find("orientation") != std::string::npos) continue;
        EXPECT_EQ(image.pixels, whole.pixels) << "cut at " << size << " of " << c.file.size();
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
        EXPECT_EQ(std::string(error.message()).find('\n'), std::string::npos);
      }
    }
    const std::size_t part = c.name == "gif of three frames" || c.name == "tiff two pages" ? 9 : 3;  // of the first
    expect_error(ErrorKind::data, "", [&] { decode(c.file.substr(0, c.file.size() / part)); });
  }
}

TEST(Formats, FlippedBytesNeverCrash) {
  const auto all = cases();
  for (const Case& c : all) {
    const bool coded = c.name.starts_with("heic") || c.name.starts_with("avif");  // these take milliseconds a file
    const std::size_t step = coded ? 17 : c.file.size() > 1500 ? 11 : 1;
    for (std::size_t i = 0; i < c.file.size(); i += step)
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string bad = c.file;
        bad[i] = static_cast<char>(bad[i] ^ flip);
        try {
          decode(bad, 1 << 20);
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::data) << c.name << ": " << error.what();
        }
      }
  }
}

TEST(Formats, DecodersPrintNothing) {
  const auto all = cases();
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  for (const Case& c : all)
    for (std::size_t size = c.file.size() / 7; size < c.file.size(); size += c.file.size() / 7 + 1) try {
        decode(c.file.substr(0, size));
      } catch (const Error&) {
      }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace fewlabel::testing
