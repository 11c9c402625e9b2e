// What nets of depthwise and 1 × 1 convolutions are made of, on the CPU: the maps between them are wide and cost more
// time in memory than in the processor, and none of libtorch's operators takes the norm and its limits along.
#pragma once
#include <torch/torch.h>

#include <array>
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

  /// Of the folded filters and of what is added to them; starts with zeros.
  struct Gradients {
    at::Tensor filters, shift;
  };
  Gradients no_gradients() const;
  /// To be called once before backward().
  void prepare_backward();
  /// What it was given and what came of it, channels-last, and the gradient of that, which is changed.
  struct Pass {
    const at::Tensor &x, &y, &dy;
    Border border;
  };
  /// Adds to `sum`. Returns the gradient of x where the convolution is 1 × 1 or depthwise; that of a residual is dy
  /// then, with zeros where y stands at a limit. One thread.
  at::Tensor backward(const Pass& pass, Gradients& sum) const;
  /// From what was folded to the layer's weight and the norm's weight and bias.
  std::array<at::Tensor, 3> unfolded(const Gradients& sum, const torch::nn::Conv2d& layer,
                                     const torch::nn::BatchNorm2d& norm) const;

 private:
  bool by_inputs() const;  // whether gradients of filters lie as in × out
  at::Tensor backward_depthwise(const Pass& pass, Gradients& sum) const;
  at::Tensor pointwise(const at::Tensor& x, const float* residual) const;
  at::Tensor dense(const at::Tensor& x, const Border& border) const;
  /// The rows of x that results of row `down` see, with the border: kernel × line. `to` has zeros left and right.
  void lay_out(const at::Tensor& x, const Border& border, int64_t image, int64_t down, float* to) const;

  bool depthwise_;
  int64_t in_, out_, kernel_, stride_;
  Limits limits_;
  at::Tensor filters_, shift_;   // as the kernels want them
  at::Tensor factor_;            // of each filter
  at::Tensor rows_;              // out × (k² · in), not yet multiplied by the factor; undefined where depthwise
  at::Tensor backward_filters_;  // as the kernels want them, of the convolution that takes dy to dx
};

}  // namespace fewlabel::kernels
