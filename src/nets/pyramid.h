// The sizes of the maps between an image and the small end of a generator or discriminator. Internal to src/nets.
#pragma once
#include <algorithm>

#include "fewlabel/dataset.h"

namespace fewlabel {

/// Level 0 is the image; each further level has half the side. Two levels at least; more while the sides stay even and
/// of 8 and more: 28 → 7 × 7 in two, 32 → 4 × 4 in three.
struct Pyramid {
  /// Throws Error{usage} where a side is no multiple of 4.
  Pyramid(const ImageShape& shape, int64_t width);
  /// Channels of a level but 0.
  int64_t channels(int64_t level) const { return width * std::min(int64_t{1} << (level - 1), int64_t{4}); }

  int64_t width = 0, levels = 2;
};

}  // namespace fewlabel
