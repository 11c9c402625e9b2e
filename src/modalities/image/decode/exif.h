// What a file says beside its pixels of how they are meant to be seen. Bytes of strangers: every read is bounded,
// nonsense counts as silence.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "fewlabel/image.h"

namespace fewlabel::detail {

/// EXIF's Orientation from a block as files carry it, 1 to 8; 1 (as it is stored) where it says nothing usable.
/// Exif 2.32 section 4.6.4; TIFF 6.0 section 2.
int exif_orientation(std::span<const uint8_t> block);
/// The same of a whole file, or as far as its first bytes tell.
int jpeg_orientation(std::span<const uint8_t> jpeg);
/// eXIf may stand behind the pixels. PNG 3rd edition section 11.3.
int png_orientation(std::span<const uint8_t> png);
/// Nothing where no such chunk is in these bytes; it commonly stands behind the pixels.
std::optional<std::span<const uint8_t>> find_webp_exif(std::span<const uint8_t> webp);

/// The shape of an image as it is meant to be seen.
ImageShape turned(const ImageShape& stored, int orientation);
/// Turns and mirrors the stored pixels to how the image is meant to be seen.
void orient(Image& image, int orientation);

}  // namespace fewlabel::detail
