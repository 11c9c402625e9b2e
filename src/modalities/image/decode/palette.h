// Colours by number, as BMP, GIF and TIFF hold them.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fewlabel/image.h"

namespace fewlabel::detail {

using Palette = std::vector<std::array<uint8_t, 3>>;

/// 1 where all colours are grey, since these formats write grey images so; otherwise 3.
int32_t palette_channels(const Palette& palette);

/// The image that height × width numbers stand for. Throws Error{data} for a number without a colour.
Image paint(const std::string& where, std::span<const uint8_t> numbers, int32_t height, int32_t width,
            const Palette& palette);

}  // namespace fewlabel::detail
