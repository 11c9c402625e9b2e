#include "modalities/image/decode/tiff_page.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <limits>

namespace fewlabel::detail {
namespace {

void note(TiffBytes& from, const char* format, va_list values) {
  if (from.reason[0] == '\0') std::vsnprintf(from.reason, sizeof(from.reason), format, values);
}

/// These stand in for libtiff's own, which print: 1 says that nothing is left to do.
int on_tiff_error(TIFF*, void* from, const char*, const char* format, va_list values) {
  note(*static_cast<TiffBytes*>(from), format, values);
  return 1;
}

/// Warnings of what was made up for bytes that are missing count as errors. Others are of tags that nobody needs.
int on_tiff_warning(TIFF*, void* from, const char* module, const char* format, va_list values) {
  char text[160] = {};
  va_list copy;
  va_copy(copy, values);
  std::vsnprintf(text, sizeof(text), format, copy);
  va_end(copy);
  const std::string_view said = text;
  const bool jpeg = module != nullptr && std::string_view(module) == "JPEGLib";
  if ((jpeg && said.find("extraneous bytes") == said.npos) || said.starts_with("Premature E") ||
      said.starts_with("IO error"))
    note(*static_cast<TiffBytes*>(from), format, values);
  return 1;
}

tmsize_t read_tiff(thandle_t handle, void* out, tmsize_t count) {
  auto* from = static_cast<TiffBytes*>(handle);
  const uint64_t left = from->at < from->bytes.size() ? from->bytes.size() - from->at : 0;
  const auto size = static_cast<std::size_t>(std::min<uint64_t>(left, static_cast<uint64_t>(count)));
  if (size > 0) std::memcpy(out, from->bytes.data() + from->at, size);
  from->at += size;
  return static_cast<tmsize_t>(size);
}
tmsize_t write_tiff(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek_tiff(thandle_t handle, toff_t offset, int whence) {
  auto* from = static_cast<TiffBytes*>(handle);
  from->at = offset + (whence == SEEK_CUR ? from->at : whence == SEEK_END ? from->bytes.size() : 0);
  return from->at;
}
int close_tiff(thandle_t) { return 0; }
toff_t size_of_tiff(thandle_t handle) { return static_cast<TiffBytes*>(handle)->bytes.size(); }
int map_tiff(thandle_t handle, void** base, toff_t* size) {
  const auto& bytes = static_cast<TiffBytes*>(handle)->bytes;
  *base = const_cast<uint8_t*>(bytes.data());  // opened to be read
  *size = bytes.size();
  return 1;
}
void unmap_tiff(thandle_t, void*, toff_t) {}

constexpr tmsize_t kMostAtOnce = tmsize_t{1} << 30;

void open_handle(TiffPage& page, const std::string& where) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 TIFFOpenOptionsFree);
  if (!options) throw Error(ErrorKind::memory, where, "no memory for a TIFF decoder");
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_tiff_error, &page.from);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_tiff_warning, &page.from);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostAtOnce);
  page.tiff.reset(TIFFClientOpenExt("it", "rc", &page.from, read_tiff, write_tiff, seek_tiff, close_tiff, size_of_tiff,
                                    map_tiff, unmap_tiff, options.get()));
  if (!page.tiff || page.from.reason[0] != '\0') page.fail(where, "its header cannot be read");
}

void read_tiff_palette(TiffPage& page, const std::string& where) {
  uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
  if (page.bits > 8 || TIFFGetField(page.tiff.get(), TIFFTAG_COLORMAP, &red, &green, &blue) == 0)
    page.fail(where, "it has no usable palette");
  const std::size_t count = std::size_t{1} << page.bits;
  const auto small = [&](const uint16_t* values) {
    return std::all_of(values, values + count, [](uint16_t v) { return v < 256; });
  };
  const int shift = small(red) && small(green) && small(blue) ? 0 : 8;  // some write 8 bits where 16 are wanted
  for (std::size_t i = 0; i < count; ++i)
    page.palette.push_back({static_cast<uint8_t>(red[i] >> shift), static_cast<uint8_t>(green[i] >> shift),
                            static_cast<uint8_t>(blue[i] >> shift)});
}

/// Which samples of a pixel are what.
void read_tiff_channels(TiffPage& page, const std::string& where) {
  const bool colour = page.photometric == PHOTOMETRIC_RGB || page.photometric == PHOTOMETRIC_YCBCR;
  page.kept = colour ? 3 : 1;
  if (page.samples < page.kept) page.fail(where, "it has too few channels");
  uint16_t extra = 0, *kinds = nullptr;
  TIFFGetFieldDefaulted(page.tiff.get(), TIFFTAG_EXTRASAMPLES, &extra, &kinds);
  if (page.photometric == PHOTOMETRIC_PALETTE) return read_tiff_palette(page, where);
  if (page.samples > page.kept && extra > 0 && kinds[0] != EXTRASAMPLE_UNSPECIFIED)
    page.alpha = kinds[0] == EXTRASAMPLE_ASSOCALPHA ? Alpha::multiplied : Alpha::separate;
  if (!colour && page.samples > 1 && (page.alpha == Alpha::none || page.samples > 2))
    throw_data(where, fmt::format("is a TIFF of {} channels that are not said to be colours", page.samples),
               "save one channel, or three as RGB");
  if (page.alpha != Alpha::none) ++page.kept;
}

void read_tiff_kind(TiffPage& page, const std::string& where) {
  uint16_t format = SAMPLEFORMAT_UINT;
  TIFFGetFieldDefaulted(page.tiff.get(), TIFFTAG_SAMPLEFORMAT, &format);
  page.kind = format == SAMPLEFORMAT_IEEEFP ? SampleKind::real
              : format == SAMPLEFORMAT_INT  ? SampleKind::integer
                                            : SampleKind::natural;
  const bool complex = format == SAMPLEFORMAT_COMPLEXINT || format == SAMPLEFORMAT_COMPLEXIEEEFP;
  const bool fits = page.kind == SampleKind::real      ? page.bits == 32 || page.bits == 64
                    : page.kind == SampleKind::integer ? page.bits == 8 || page.bits == 16 || page.bits == 32
                                                       : (page.bits >= 1 && page.bits <= 16) || page.bits == 32;
  if (complex || !fits)
    throw_data(where,
               fmt::format("is a TIFF of {} {} bits",
                           complex                         ? "complex numbers in"
                           : page.kind == SampleKind::real ? "reals of"
                                                           : "numbers of",
                           page.bits),
               "wanted: whole numbers of 1 to 16 or 32 bits, or reals of 32 or 64 bits");
}

/// The most bytes that one byte of a file can become.
int64_t most_growth(uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:
      return 1;
    case COMPRESSION_PACKBITS:
      return 64;
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE:
      return 1032;
    case COMPRESSION_LZW:
      return 4096;
    default:
      return std::numeric_limits<int64_t>::max();
  }
}

void check_sizes(const TiffPage& page, const std::string& where, int64_t file_size, int64_t max_pixels) {
  TIFF* tiff = page.tiff.get();
  const int64_t area = int64_t{page.height} * page.width;
  // Colour differences may be stored for fewer pixels than brightness.
  const int64_t samples = page.photometric == PHOTOMETRIC_YCBCR ? 1 : page.samples;
  const int64_t growth = most_growth(page.compression);
  if (growth < std::numeric_limits<int64_t>::max() && area * page.bits / 8 > growth * (file_size + 1024) / samples)
    throw_claim(where, page.height, page.width, file_size);
  const uint64_t piece = TIFFIsTiled(tiff) != 0 ? TIFFTileSize64(tiff) : TIFFScanlineSize64(tiff);
  if (piece == 0 || piece > static_cast<uint64_t>(kMaxEncodedBytes))
    page.fail(where, fmt::format("it claims rows or tiles of {} bytes", piece));
  const auto sample_bytes = static_cast<int64_t>(TiffSamples{page.kind, page.bits, 0, {}}.width());
  if (area * static_cast<int64_t>(page.kept) * sample_bytes > 8 * max_pixels)
    throw_data(where, fmt::format("claims {} × {} pixels of {} bytes, more than the limit allows", page.width,
                                  page.height, static_cast<int64_t>(page.kept) * sample_bytes));
}

}  // namespace

void open_tiff(TiffPage& page, const std::string& where, const FileStart& start, int64_t max_pixels) {
  open_handle(page, where);
  TIFF* tiff = page.tiff.get();
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  check_pixels(where, height, width, max_pixels);
  page.width = static_cast<int32_t>(width);
  page.height = static_cast<int32_t>(height);
  uint16_t planes = PLANARCONFIG_CONTIG;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planes);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &page.compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &page.orientation);
  if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page.photometric) == 0)
    page.photometric = page.samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  page.by_planes = planes == PLANARCONFIG_SEPARATE && page.samples > 1;
  switch (page.photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_PALETTE:
      break;
    case PHOTOMETRIC_YCBCR:
      page.simple = page.compression == COMPRESSION_JPEG && !page.by_planes;
      if (page.simple) TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      break;
    default:
      page.simple = false;
  }
  if (page.simple) {
    read_tiff_kind(page, where);
    read_tiff_channels(page, where);
  }
  check_sizes(page, where, start.size, max_pixels);
}

}  // namespace fewlabel::detail
