// What a vision transformer is made of, as one word: net.shape of the net `vision_transformer`. Free of libtorch.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace fewlabel {

/// "12x384x6x1536x16x224+tokens=5+layer_scale": blocks, width, heads, inner width, side of a patch and of the images it
/// was trained on; then, in this order, what is not as in the first vision transformer (arXiv:2010.11929).
struct VisionShape {
  int64_t blocks = 0, width = 0, heads = 0, inner = 0, patch = 0, side = 0;
  int64_t tokens = 1;        // in front of those of the patches: class token first, distillation token, registers
  bool norm_first = false;   // a layer norm before the first block, too
  bool layer_scale = false;  // what a part of a block adds is scaled by a learnt factor a channel
  std::string activation = "gelu";  // gelu, gelu_tanh (its approximation), quick_gelu (x σ(1.702 x)), swiglu
  std::string features = "class";   // class: of that token; distilled: mean of the first two; attention: a query's
  std::string text() const;
  /// Patches along the side of images that it was trained on.
  int64_t grid() const { return side / patch; }
};
/// Nothing where it is none, or larger than any that can be trained.
std::optional<VisionShape> vision_shape(const std::string& text);

}  // namespace fewlabel
