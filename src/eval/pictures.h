// Tensors of pixels as pictures.
#pragma once
#include <vector>

#include "fewlabel/dataset.h"
#include "fewlabel/image.h"
#include "fewlabel/net.h"

namespace fewlabel {

/// An example as its store has it.
Image image_of(const ExampleStore& store, int64_t index);
/// 8-bit images of pixels in [0, 1], N × C × H × W with 1 or 3 channels; what lies outside is cut off.
std::vector<Image> to_images(const Tensor& pixels);
/// The images, all of one shape, side by side in rows of `columns`, a pixel apart.
Image tile(const std::vector<Image>& images, int64_t columns);

}  // namespace fewlabel
