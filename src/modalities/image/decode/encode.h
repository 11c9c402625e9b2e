// Pixels to PNG, for reports and exported examples.
#pragma once
#include <string>

#include "fewlabel/image.h"

namespace fewlabel {

/// An 8-bit PNG of a grey (1 channel) or colour (3) image. Throws Error{failure} for anything else.
std::string encode_png(const Image& image);

}  // namespace fewlabel
