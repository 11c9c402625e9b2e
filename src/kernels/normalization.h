// Batch norm of the nets with what follows it, on the CPU in two passes over memory instead of four to six.
#pragma once
#include <torch/torch.h>

namespace fewlabel::kernels {

struct AfterNorm {
  double leak = 0;      // 0: ReLU, 1: nothing, between: leaky ReLU
  at::Tensor residual;  // added before it; may be undefined
};
/// f(norm(x) + residual). Statistics as torch::nn::BatchNorm2d keeps them. Our own kernel for fp32 and bf16 on the CPU
/// with channels in multiples of 16 and fp32 parameters; else libtorch's. Same bits whatever the number of threads.
at::Tensor normalise(const at::Tensor& x, const torch::nn::BatchNorm2d& layer, const AfterNorm& after = {});

}  // namespace fewlabel::kernels
