// What a JPEG says beside its pixels. Bytes of strangers: every read is bounded, nonsense counts as silence.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "fewlabel/image.h"

namespace fewlabel::detail {

/// The payload of the first segment before the scan that has this marker (0xe1: APP1) and begins with `prefix`; empty
/// where there is none.
std::span<const uint8_t> find_jpeg_segment(std::span<const uint8_t> jpeg, uint8_t marker, std::string_view prefix);

/// EXIF's Orientation of a JPEG, 1 to 8; 1 (as it is stored) where the file says nothing usable.
/// Exif 2.32 section 4.6.4; TIFF 6.0 section 2.
int jpeg_orientation(std::span<const uint8_t> jpeg);

/// Turns and mirrors the stored pixels to how the image is meant to be seen.
void orient(Image& image, int orientation);

}  // namespace fewlabel::detail
