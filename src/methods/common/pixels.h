// Between what a net takes, (pixel - mean) / deviation per channel, and pixels in [0, 1], on which methods that make
// images work.
#pragma once
#include <torch/torch.h>

#include "fewlabel/method.h"

namespace fewlabel {

class PixelsImpl : public torch::nn::Module {
 public:
  /// Takes Task::mean and Task::deviation; where they are empty the two scales are the same.
  explicit PixelsImpl(const Task& task);
  /// N × C × H × W, normalised → pixels, clamped to [0, 1]: augmentation and noise may leave the range.
  Tensor to_pixels(const Tensor& x) const { return (x * deviation_ + mean_).clamp(0.0, 1.0); }
  /// The way back, with gradient.
  Tensor from_pixels(const Tensor& pixels) const { return (pixels - mean_) / deviation_; }
  /// What a difference between two inputs is multiplied by to be one between pixels: 1 × C × 1 × 1.
  const Tensor& deviation() const { return deviation_; }

 private:
  Tensor mean_, deviation_;  // 1 × C × 1 × 1
};
TORCH_MODULE(Pixels);

}  // namespace fewlabel
