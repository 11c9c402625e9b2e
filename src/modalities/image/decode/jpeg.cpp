#include <fmt/format.h>
#include <turbojpeg.h>

#include <memory>
#include <string_view>
#include <utility>

#include "data/byte_file.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/exif.h"

namespace fewlabel::detail {
namespace {

struct Header {
  int width = 0, height = 0, colorspace = 0;
};

class Decoder {
 public:
  explicit Decoder(const std::string& where) : where_(where), handle_(tjInitDecompress()) {
    if (!handle_) throw Error(ErrorKind::memory, where, "no memory for a JPEG decoder");
  }
  void* get() const { return handle_.get(); }
  [[noreturn]] void fail() const {
    throw_data(where_, fmt::format("is a damaged or cut JPEG ({})", tjGetErrorStr2(get())));
  }
  Header read_header(std::span<const uint8_t> bytes, int64_t max_pixels) const {
    Header header;
    int subsampling = 0;
    if (tjDecompressHeader3(get(), bytes.data(), bytes.size(), &header.width, &header.height, &subsampling,
                            &header.colorspace) != 0 &&
        tjGetErrorCode(get()) != TJERR_WARNING)
      fail();
    if (header.width < 1 || header.height < 1)
      throw_data(where_, "is a damaged or cut JPEG (its header gives no size)");
    check_pixels(where_, header.height, header.width, max_pixels);
    return header;
  }

 private:
  struct Close {
    void operator()(void* handle) const { tjDestroy(handle); }
  };
  const std::string& where_;
  std::unique_ptr<void, Close> handle_;
};

/// Photoshop's convention, kept by all who write the Adobe marker: CMYK values are stored inverted.
bool has_adobe_marker(std::span<const uint8_t> bytes) { return !find_jpeg_segment(bytes, 0xee, "Adobe").empty(); }

void cmyk_to_rgb(Image& image, bool inverted) {
  const std::size_t area = image.pixels.size() / 4;
  const uint8_t flip = inverted ? 0 : 255;
  for (std::size_t i = 0; i < area; ++i) {
    const unsigned white = image.pixels[i * 4 + 3] ^ flip;
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned light = image.pixels[i * 4 + c] ^ flip;
      image.pixels[i * 3 + c] = static_cast<uint8_t>((light * white + 127) / 255);
    }
  }
  image.pixels.resize(area * 3);
  image.channels = 3;
}

/// Camera files often carry stray bytes between segments, which costs no pixel; any other warning does.
bool harmless(std::string_view warning) { return warning.find("extraneous bytes") != std::string_view::npos; }

/// The decoder shrinks by 2, 4 or 8 for next to nothing, since it leaves out frequencies. Twice the target remains, so
/// that the area average which follows gives nearly the pixels that the whole image would give.
tjscalingfactor reduction(int width, int height, const ImageShape& target) {
  int by = 1;
  if (target.width > 0 && target.height > 0)
    while (by < 8 && width / (2 * by) >= 2 * target.width && height / (2 * by) >= 2 * target.height) by *= 2;
  return {1, by};
}

}  // namespace

Image decode_jpeg(const std::string& where, std::span<const uint8_t> bytes, const DecodeOptions& options) {
  const Decoder decoder(where);
  const Header header = decoder.read_header(bytes, options.max_pixels);
  int width = header.width, height = header.height;
  const int orientation = jpeg_orientation(bytes);
  ImageShape target = options.target;
  if (orientation >= 5) std::swap(target.height, target.width);
  const tjscalingfactor factor = reduction(width, height, target);
  width = TJSCALED(width, factor);
  height = TJSCALED(height, factor);
  const bool cmyk = header.colorspace == TJCS_CMYK || header.colorspace == TJCS_YCCK;
  const int format = cmyk ? TJPF_CMYK : header.colorspace == TJCS_GRAY ? TJPF_GRAY : TJPF_RGB;
  Image image{height, width, tjPixelSize[format], {}};
  image.pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
                      static_cast<std::size_t>(image.channels));
  // A progressive file may hold thousands of scans, each of which costs a pass over all pixels.
  if (tjDecompress2(decoder.get(), bytes.data(), bytes.size(), image.pixels.data(), width, 0, height, format,
                    TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT) != 0 &&
      (tjGetErrorCode(decoder.get()) != TJERR_WARNING || !harmless(tjGetErrorStr2(decoder.get()))))
    decoder.fail();
  if (cmyk) cmyk_to_rgb(image, has_adobe_marker(bytes));
  orient(image, orientation);
  return image;
}

ImageShape jpeg_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  const Header header = Decoder(where).read_header(start.bytes, max_pixels);
  const bool turned = jpeg_orientation(start.bytes) >= 5;
  return {turned ? header.width : header.height, turned ? header.height : header.width,
          header.colorspace == TJCS_GRAY ? 1 : 3};
}

}  // namespace fewlabel::detail
