// The first page of a TIFF, opened: what its tags say, held against the size of the file. libtiff undoes compression,
// order of bytes and of bits; it prints nothing and its errors stay with the page.
#pragma once
#include <fmt/format.h>
#include <tiffio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/byte_file.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/palette.h"
#include "modalities/image/decode/tiff_samples.h"

namespace fewlabel::detail {

struct TiffBytes {
  std::span<const uint8_t> bytes;
  uint64_t at = 0;
  char reason[160] = {};  // the first thing that was wrong
};

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};

enum class Alpha { none, separate, multiplied };

struct TiffPage {
  explicit TiffPage(std::span<const uint8_t> bytes) : from{bytes} {}
  TiffPage(const TiffPage&) = delete;  // libtiff knows where `from` lies
  TiffPage& operator=(const TiffPage&) = delete;
  TiffBytes from;
  std::unique_ptr<TIFF, CloseTiff> tiff;
  int32_t height = 0, width = 0;
  uint16_t bits = 1, samples = 1, photometric = PHOTOMETRIC_MINISBLACK, compression = COMPRESSION_NONE;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  bool by_planes = false, simple = true;  // not simple: colours that libtiff has to work out
  std::size_t kept = 1;                   // samples of a pixel that matter: grey or colour, and alpha
  Alpha alpha = Alpha::none;
  SampleKind kind = SampleKind::natural;
  Palette palette;

  int32_t colours() const {
    if (!palette.empty()) return palette_channels(palette);
    return !simple || photometric == PHOTOMETRIC_RGB || photometric == PHOTOMETRIC_YCBCR ? 3 : 1;
  }
  [[noreturn]] void fail(const std::string& where, std::string_view otherwise) const {
    throw_data(where, fmt::format("is a damaged or cut TIFF ({})", from.reason[0] != '\0' ? from.reason : otherwise));
  }
};

/// Throws Error{data} before memory is taken for pixels.
void open_tiff(TiffPage& page, const std::string& where, const FileStart& start, int64_t max_pixels);

}  // namespace fewlabel::detail
