// Arrays as NPY 1.0 files, for programs that read NumPy's format.
#pragma once
#include <torch/torch.h>

#include <string>

namespace fewlabel {

/// uint8, int64 or float32 of any shape, row-major. Throws Error{failure} for other types.
std::string npy_bytes(const torch::Tensor& tensor);

}  // namespace fewlabel
