// What nets of depthwise and 1 × 1 convolutions are made of, on the CPU: the maps between them are wide and cost more
// time in memory than in the processor, and none of libtorch's operators takes the norm and its limits along.
#pragma once
#include <torch/torch.h>

#include <limits>

namespace fewlabel::kernels {

/// Zeros around a map.
struct Border {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  bool operator==(const Border&) const = default;
};

/// Depthwise convolution without bias: x N × C × H × W, weight C × 1 × k × k, also its gradients. Our own kernel for
/// fp32 on the CPU, k = 3 or 5 and stride 1 or 2, or k = 7 and stride 1, and 16 channels or more, whether autocast is
/// on or not; else libtorch's. Ours has the same bits whatever the number of threads.
at::Tensor convolve_depthwise(const at::Tensor& x, const at::Tensor& weight, int64_t stride, const Border& border);

/// A convolution without bias, in evaluation the batch norm after it, and limits to what comes out, in one pass over
/// memory and without gradient: 1 × 1, depthwise as above, or dense with any window. Weights and statistics are folded
/// together when it is built; build it anew for every call, so that it is never stale.
class FoldedConvolution {
 public:
  /// Lowest and highest value of a result.
  struct Limits {
    float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
  };
  FoldedConvolution(const torch::nn::Conv2d& layer, const torch::nn::BatchNorm2d& norm, const Limits& limits);
  /// Whether our kernels are enabled, these layers are in evaluation mode and have a form that is known here, and x and
  /// all weights are fp32 and on the CPU.
  static bool suits(const at::Tensor& x, const torch::nn::Conv2d& layer, const torch::nn::BatchNorm2d& norm);

  /// N × C × H × W → N × K × H' × W', channels-last. Same bits whatever the number of threads.
  at::Tensor operator()(const at::Tensor& x, const Border& border = {}) const;
  /// Of a 1 × 1 convolution with stride 1; `residual`, N × K × H × W, is added before the limits.
  at::Tensor plus(const at::Tensor& x, const at::Tensor& residual) const;

 private:
  at::Tensor pointwise(const at::Tensor& x, const float* residual) const;
  at::Tensor dense(const at::Tensor& x, const Border& border) const;

  bool depthwise_;
  int64_t in_, out_, kernel_, stride_;
  Limits limits_;
  at::Tensor filters_, shift_;
};

}  // namespace fewlabel::kernels
