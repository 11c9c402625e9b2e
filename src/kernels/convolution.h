// Convolution of the nets on the CPU: our own kernel where it is faster, libtorch's everywhere else.
#pragma once
#include <torch/torch.h>

namespace fewlabel::kernels {

/// conv(x) + add for a convolution without bias; `add` may be undefined. Winograd's algorithm on the CPU, 3 × 3, stride
/// 1, padding 1 and channels in multiples of 16: in fp32, and under autocast for bf16 maps where the processor
/// multiplies bf16. There also stride 2 (kernels/strided_convolution.h). Else libtorch's. Same bits whatever the number
/// of threads.
at::Tensor convolve(const at::Tensor& x, const torch::nn::Conv2d& layer, const at::Tensor& add = {});

/// false: libtorch's kernels everywhere, to compare with; for the whole process.
void enable(bool ours);

/// Whether the layer is 3 × 3 with this padding and stride, and neither dilation nor groups.
bool is_plain_3x3(const torch::nn::Conv2d& layer, int64_t padding, int64_t stride = 1);
/// Whether our kernels are enabled and the tensor is fp32 and on the CPU.
bool full_float(const at::Tensor& x);
/// The same, with autocast off.
bool plain_float(const at::Tensor& x);
/// Whether our kernels are enabled and the tensor is bf16 and on the CPU.
bool reduced_float(const at::Tensor& x);

}  // namespace fewlabel::kernels
