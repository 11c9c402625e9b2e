// Convolutions, each with a batch norm that keeps its statistics and limits behind it, in a row: what a small net for
// photographs mostly is. Each thread takes whole images through all layers, a few at a time, forward and backward:
// maps stay near the processor, and threads do not wait for each other after every layer.
#pragma once
#include <optional>
#include <vector>

#include "kernels/separable_convolution.h"
#include "nets/build.h"

namespace fewlabel {

struct FoldedLayer {
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d norm;
  kernels::FoldedConvolution::Limits limits;
  bool same_padding = true;         // TensorFlow's; else half a window on every side
  std::optional<std::size_t> plus;  // the layer whose result is added to its own, before the limits
};

/// Zeros around x. same_padding: those that give ⌈size / stride⌉ results a side, the odd one at the end.

kernels::Border border_of(const torch::nn::Conv2d& conv, bool same_padding, const Tensor& x);

class FoldedStack {
 public:
  explicit FoldedStack(std::vector<FoldedLayer> layers) : layers_(std::move(layers)) {}
  /// Whether x and all layers have a form that is known here, and x wants no gradient.
  bool suits(const Tensor& x) const;
  /// N × C × H × W → N × (K grid²): the means over grid × grid parts of the last map. With gradients of the weights
  /// where they are enabled, but not of these; the same bits with any number of threads.
  Tensor pooled(const Tensor& x, int64_t grid) const;

 private:
  std::vector<FoldedLayer> layers_;
};

}  // namespace fewlabel
