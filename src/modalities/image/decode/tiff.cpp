// Pixels of the first page of a TIFF. TIFF 6.0.
#include <algorithm>

#include "modalities/image/decode/exif.h"
#include "modalities/image/decode/tiff_page.h"

namespace fewlabel::detail {
namespace {

/// How many bits the microscope used, where the OME-XML of the description says so.
int stated_bits(TIFF* tiff) {
  const char* text = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &text) == 0 || text == nullptr) return 0;
  constexpr std::string_view kKey = "SignificantBits=\"";
  const std::string_view description = text;
  const auto at = description.find(kKey);
  if (at == description.npos) return 0;
  int bits = 0;
  for (std::size_t i = at + kKey.size(); i < description.size() && bits < 100; ++i) {
    const char digit = description[i];
    if (digit == '"') return bits;
    if (digit < '0' || digit > '9') return 0;
    bits = 10 * bits + (digit - '0');
  }
  return 0;
}

/// `columns` pixels of a row of the file, or of one channel where it keeps those apart, to where `to` has the first.
void unpack_row(const TiffPage& page, const TiffSamples& samples, const uint8_t* row, std::size_t plane,
                std::size_t columns, uint8_t* to) {
  if (page.by_planes) {
    unpack_samples(samples, row, 0, 1, columns, to + plane * samples.width(), page.kept);
  } else if (page.kept == page.samples) {
    unpack_samples(samples, row, 0, 1, columns * page.kept, to, 1);
  } else {
    for (std::size_t c = 0; c < page.kept; ++c)
      unpack_samples(samples, row, c, page.samples, columns, to + c * samples.width(), page.kept);
  }
}

void read_rows(const TiffPage& page, const std::string& where, TiffSamples& samples) {
  TIFF* tiff = page.tiff.get();
  const auto width = static_cast<std::size_t>(page.width);
  std::vector<uint8_t> row(static_cast<std::size_t>(TIFFScanlineSize64(tiff)));
  for (std::size_t plane = 0; plane < (page.by_planes ? page.kept : 1); ++plane)
    for (uint32_t y = 0; y < static_cast<uint32_t>(page.height); ++y) {
      if (TIFFReadScanline(tiff, row.data(), y, static_cast<uint16_t>(plane)) != 1)
        page.fail(where, "its pixels are cut");
      unpack_row(page, samples, row.data(), plane, width,
                 samples.values.data() + y * width * page.kept * samples.width());
    }
}

void read_tiles(const TiffPage& page, const std::string& where, TiffSamples& samples) {
  TIFF* tiff = page.tiff.get();
  uint32_t tile_width = 0, tile_height = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
  if (tile_width == 0 || tile_height == 0) page.fail(where, "its tiles have no size");
  const auto width = static_cast<uint64_t>(page.width), height = static_cast<uint64_t>(page.height);
  const uint64_t row_size = TIFFTileRowSize64(tiff), pixel = page.kept * samples.width();
  std::vector<uint8_t> tile(static_cast<std::size_t>(TIFFTileSize64(tiff)));
  for (std::size_t plane = 0; plane < (page.by_planes ? page.kept : 1); ++plane)
    for (uint64_t top = 0; top < height; top += tile_height)
      for (uint64_t left = 0; left < width; left += tile_width) {
        if (TIFFReadTile(tiff, tile.data(), static_cast<uint32_t>(left), static_cast<uint32_t>(top), 0,
                         static_cast<uint16_t>(plane)) < 0)
          page.fail(where, "its pixels are cut");
        const uint64_t columns = std::min<uint64_t>(tile_width, width - left);
        for (uint64_t y = top; y < std::min<uint64_t>(top + tile_height, height); ++y)
          unpack_row(page, samples, tile.data() + (y - top) * row_size, plane, columns,
                     samples.values.data() + (y * width + left) * pixel);
      }
}

/// On white, where the colours are multiplied by alpha already.
void drop_multiplied_alpha(Image& image) {
  const auto from = static_cast<std::size_t>(image.channels), to = from - 1;
  const std::size_t area = image.pixels.size() / from;
  for (std::size_t i = 0; i < area; ++i)
    for (std::size_t c = 0; c < to; ++c)
      image.pixels[i * to + c] =
          static_cast<uint8_t>(std::min(255, image.pixels[i * from + c] + 255 - image.pixels[i * from + to]));
  image.pixels.resize(area * to);
  image.channels = static_cast<int32_t>(to);
}

Image read_simple(const TiffPage& page, const std::string& where) {
  TiffSamples samples{page.kind, page.bits, stated_bits(page.tiff.get()), {}};
  samples.values.resize(static_cast<std::size_t>(page.height) * static_cast<std::size_t>(page.width) * page.kept *
                        samples.width());
  TIFFIsTiled(page.tiff.get()) != 0 ? read_tiles(page, where, samples) : read_rows(page, where, samples);
  if (page.from.reason[0] != '\0') page.fail(where, "");  // a warning that stands for lost pixels
  if (!page.palette.empty()) return paint(where, samples.values, page.height, page.width, page.palette);
  Image image{page.height, page.width, static_cast<int32_t>(page.kept), samples_to_bytes(where, samples)};
  if (page.photometric == PHOTOMETRIC_MINISWHITE)
    for (std::size_t i = 0; i < image.pixels.size(); i += page.kept)
      image.pixels[i] = static_cast<uint8_t>(255 - image.pixels[i]);
  if (page.alpha == Alpha::multiplied) drop_multiplied_alpha(image);
  return image;
}

/// CMYK, CIE L*a*b*, LogLuv and colour differences, in the way of libtiff.
Image read_worked_out(const TiffPage& page, const std::string& where) {
  TIFF* tiff = page.tiff.get();
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);  // libtiff mirrors but does not turn: we do both
  char reason[1024] = {};
  if (TIFFRGBAImageOK(tiff, reason) == 0) throw_data(where, fmt::format("is a TIFF that cannot be read ({})", reason));
  const std::size_t area = static_cast<std::size_t>(page.height) * static_cast<std::size_t>(page.width);
  std::vector<uint32_t> raster(area);
  if (TIFFReadRGBAImageOriented(tiff, static_cast<uint32_t>(page.width), static_cast<uint32_t>(page.height),
                                raster.data(), ORIENTATION_TOPLEFT, 1) == 0 ||
      page.from.reason[0] != '\0')
    page.fail(where, "its pixels are cut");
  Image image{page.height, page.width, 4, {}};
  image.pixels.reserve(area * 4);
  for (const uint32_t pixel : raster)
    for (const int shift : {0, 8, 16, 24}) image.pixels.push_back(static_cast<uint8_t>(pixel >> shift));
  drop_multiplied_alpha(image);
  return image;
}

}  // namespace

Image decode_tiff(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  TiffPage page(bytes);
  open_tiff(page, where, {bytes, static_cast<int64_t>(bytes.size())}, max_pixels);
  Image image = page.simple ? read_simple(page, where) : read_worked_out(page, where);
  orient(image, page.orientation);
  return image;
}

ImageShape tiff_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  TiffPage page(start.bytes);
  open_tiff(page, where, start, max_pixels);
  return turned({page.height, page.width, page.colours()}, page.orientation);
}

}  // namespace fewlabel::detail
