#include "modalities/image/decode/palette.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/byte_file.h"

namespace fewlabel::detail {

int32_t palette_channels(const Palette& palette) {
  return std::all_of(palette.begin(), palette.end(), [](const auto& c) { return c[0] == c[1] && c[1] == c[2]; }) ? 1
                                                                                                                 : 3;
}

Image paint(const std::string& where, std::span<const uint8_t> numbers, int32_t height, int32_t width,
            const Palette& palette) {
  if (!numbers.empty())
    if (const std::size_t most = *std::max_element(numbers.begin(), numbers.end()); most >= palette.size())
      throw_data(where, fmt::format("is damaged: a pixel has colour {} of a palette of {}", most, palette.size()));
  Image image{height, width, palette_channels(palette), {}};
  image.pixels.resize(numbers.size() * static_cast<std::size_t>(image.channels));
  uint8_t* to = image.pixels.data();
  for (const uint8_t number : numbers) to = std::copy_n(palette[number].begin(), image.channels, to);
  return image;
}

}  // namespace fewlabel::detail
