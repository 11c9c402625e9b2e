// Images, the first kind of example: pixels and their sizes. Free of libtorch.
#pragma once
#include <cstdint>
#include <vector>

#include "fewlabel/layout.h"

namespace fewlabel {

/// 8-bit pixels, row by row, channels interleaved (H × W × C).
struct Image {
  int32_t height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;
};

/// The layout of an image, by the names of its sizes.
struct ImageShape {
  int32_t height = 0, width = 0, channels = 0;
  int64_t bytes() const { return int64_t{height} * width * channels; }
  bool operator==(const ImageShape&) const = default;
  operator Layout() const { return {Kind::image, Layout::Type::u8, {height, width, channels}, 0}; }
};
/// Whether examples have height, width and channels: images, and spectrograms (mels × frames, one channel).
bool is_picture(const Layout& layout);
/// Throws Error{usage} where the layout is none of a picture: who asks can do nothing with another.
ImageShape image_shape(const Layout& layout);

/// Area-averaging (down) and bilinear (up) resize that keeps the aspect ratio by a central crop; grey ↔ colour.
void resize_into(const Image& image, const ImageShape& shape, uint8_t* out);

}  // namespace fewlabel
