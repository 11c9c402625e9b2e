// Convolution 3 × 3 with stride 2 of maps in bf16 on the CPU: libtorch's, but for the gradient of the weights.
#pragma once
#include <torch/torch.h>

namespace fewlabel::kernels {

/// Padding 1, no bias; x: N × C × H × W in bf16, w: K × C × 3 × 3 in fp32, as its gradient. The gradient of the weights
/// is one product of matrices, of dy and of the patches of x it met.
at::Tensor convolve_strided(const at::Tensor& x, const at::Tensor& w);
/// Whether the patches are few enough that they stay near the processor, which is when this is faster.
bool suits_strided(const at::Tensor& x);

}  // namespace fewlabel::kernels
