// The first picture of a GIF, on its screen. CompuServe, "Graphics Interchange Format, version 89a".
#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "data/byte_file.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/palette.h"

namespace fewlabel::detail {
namespace {

struct GifBytes {
  std::span<const uint8_t> bytes;
  std::size_t at = 0;
};

int read_gif(GifFileType* gif, GifByteType* out, int count) {
  auto* from = static_cast<GifBytes*>(gif->UserData);
  const std::size_t size = std::min(static_cast<std::size_t>(count), from->bytes.size() - from->at);
  if (size > 0) std::memcpy(out, from->bytes.data() + from->at, size);
  from->at += size;
  return static_cast<int>(size);
}

struct CloseGif {
  void operator()(GifFileType* gif) const {
    int ignored = 0;
    DGifCloseFile(gif, &ignored);
  }
};
using Gif = std::unique_ptr<GifFileType, CloseGif>;

[[noreturn]] void fail_gif(const std::string& where, int error) {
  const char* reason = GifErrorString(error);
  throw_data(where, fmt::format("is a damaged or cut GIF ({})", reason != nullptr ? reason : "without a picture"));
}

/// Reads as far as the first picture's pixels; gives the number that is transparent, if any.
std::optional<unsigned> find_picture(GifFileType* gif, const std::string& where) {
  std::optional<unsigned> transparent;
  while (true) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &record) == GIF_ERROR) fail_gif(where, gif->Error);
    if (record == TERMINATE_RECORD_TYPE) fail_gif(where, D_GIF_ERR_NO_IMAG_DSCR);
    if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) == GIF_ERROR) fail_gif(where, gif->Error);
      return transparent;
    }
    int kind = 0;
    GifByteType* block = nullptr;  // its length comes first
    if (DGifGetExtension(gif, &kind, &block) == GIF_ERROR) fail_gif(where, gif->Error);
    if (kind == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] >= 4)
      transparent = (block[1] & 1) != 0 ? std::optional<unsigned>(block[4]) : std::nullopt;
    while (block != nullptr)
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) fail_gif(where, gif->Error);
  }
}

struct Picture {
  Gif gif;
  std::optional<unsigned> transparent;
  Palette palette;
  int32_t height = 0, width = 0;  // of the screen, which a picture that leaves it makes larger
};

Picture open_gif(GifBytes& from, const std::string& where, const FileStart& start, int64_t max_pixels) {
  int error = 0;
  Picture picture;
  picture.gif.reset(DGifOpen(&from, read_gif, &error));
  GifFileType* gif = picture.gif.get();
  if (gif == nullptr) fail_gif(where, error);
  picture.transparent = find_picture(gif, where);
  const GifImageDesc& frame = gif->Image;
  picture.height = std::max(gif->SHeight, frame.Top + frame.Height);
  picture.width = std::max(gif->SWidth, frame.Left + frame.Width);
  check_pixels(where, picture.height, picture.width, max_pixels);
  if (frame.Height < 1 || frame.Width < 1) fail_gif(where, D_GIF_ERR_IMAGE_DEFECT);
  constexpr int64_t kMostOfACode = 4096 * 8 / 12;  // pixels that 12 bits of LZW become at best, for each byte
  if (int64_t{frame.Height} * frame.Width > kMostOfACode * start.size)
    throw_claim(where, frame.Height, frame.Width, start.size);
  const ColorMapObject* map = frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap;
  if (map == nullptr) fail_gif(where, D_GIF_ERR_NO_COLOR_MAP);
  for (int i = 0; i < map->ColorCount; ++i)
    picture.palette.push_back({map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue});
  return picture;
}

/// Numbers of colours, row after row, whatever the order in which the file has the rows.
std::vector<uint8_t> read_numbers(GifFileType* gif, const std::string& where) {
  const auto height = static_cast<std::size_t>(gif->Image.Height), width = static_cast<std::size_t>(gif->Image.Width);
  std::vector<uint8_t> numbers(height * width);
  const auto read_rows = [&](std::size_t first, std::size_t step) {
    for (std::size_t y = first; y < height; y += step)
      if (DGifGetLine(gif, numbers.data() + y * width, gif->Image.Width) == GIF_ERROR) fail_gif(where, gif->Error);
  };
  if (!gif->Image.Interlace) {
    read_rows(0, 1);
  } else {
    read_rows(0, 8);
    read_rows(4, 8);
    read_rows(2, 4);
    read_rows(1, 2);
  }
  return numbers;
}

}  // namespace

Image decode_gif(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  GifBytes from{bytes};
  Picture picture = open_gif(from, where, {bytes, static_cast<int64_t>(bytes.size())}, max_pixels);
  const GifImageDesc& frame = picture.gif->Image;
  const std::vector<uint8_t> numbers = read_numbers(picture.gif.get(), where);
  Palette& palette = picture.palette;
  const int32_t channels = palette_channels(palette);
  if (picture.transparent) {  // it need not be one of the palette's
    palette.resize(std::max<std::size_t>(palette.size(), *picture.transparent + 1));
    palette[*picture.transparent] = {255, 255, 255};
  }
  const Image painted = paint(where, numbers, frame.Height, frame.Width, palette);
  Image screen{picture.height, picture.width, channels, {}};
  const auto to = static_cast<std::size_t>(channels), made = static_cast<std::size_t>(painted.channels);
  const auto width = static_cast<std::size_t>(frame.Width), row = static_cast<std::size_t>(screen.width);
  screen.pixels.assign(static_cast<std::size_t>(screen.height) * row * to, 255);
  for (std::size_t y = 0; y < static_cast<std::size_t>(frame.Height); ++y) {
    const std::size_t at = (static_cast<std::size_t>(frame.Top) + y) * row + static_cast<std::size_t>(frame.Left);
    for (std::size_t x = 0; x < width; ++x)  // what was a colour may have been the only one
      for (std::size_t c = 0; c < to; ++c)
        screen.pixels[(at + x) * to + c] = painted.pixels[(y * width + x) * made + (made == 1 ? 0 : c)];
  }
  return screen;
}

ImageShape gif_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  GifBytes from{start.bytes};
  const Picture picture = open_gif(from, where, start, max_pixels);
  return {picture.height, picture.width, palette_channels(picture.palette)};
}

}  // namespace fewlabel::detail
