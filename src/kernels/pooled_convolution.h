// The first layer of the smallest net, on the CPU in one pass.
#pragma once
#include <torch/torch.h>

namespace fewlabel::kernels {

/// max_pool2d(relu(conv(x)), 2). Our own kernel for fp32 on the CPU, 3 × 3 filters without padding, up to 4 input
/// channels and output channels in multiples of 16, where x needs no gradient, whether autocast is on or not (it is
/// faster than libtorch's in bf16); else libtorch's. Same bits whatever the
/// number of threads.
at::Tensor convolve_and_pool(const at::Tensor& x, const torch::nn::Conv2d& layer);

}  // namespace fewlabel::kernels
