// HEIC and AVIF, where libheif was there when fewlabel was built.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "modalities/image/decode/decode.h"

namespace fewlabel::detail {

/// heic or avif by the brands of an ISO media file; unknown for others of that kind, films for example.
ImageFormat sniff_heif(std::span<const uint8_t> bytes);

/// Which of the two this program can decode here and now: what was damaged without a decoder is not so with one.
std::string heif_abilities();

}  // namespace fewlabel::detail
