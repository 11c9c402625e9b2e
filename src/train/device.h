// Where tensors are computed: the processor, or one CUDA GPU.
#pragma once
#include <string>
#include <string_view>

#include "fewlabel/net.h"

namespace fewlabel {

/// The first GPU that CUDA shows and how many there are, or why there is none.
struct Gpu {
  std::string missing;  // "libtorch has no CUDA", …; empty: there is one
  int count = 0;
  std::string name;
  double memory_gb = 0;
  bool bf16 = false;  // multiplies bf16 natively: compute capability 8.0 or more
  explicit operator bool() const { return missing.empty(); }
};
/// Looked for once. Loads libtorch's CUDA half where it lies beside the rest and there is a GPU to use it for. Ask
/// early: once libtorch has been asked about CUDA (torch::manual_seed does) without that half, it goes on saying that
/// there is none.
const Gpu& gpu();

/// "cpu", "cuda" (the first GPU), "cuda:N", or "auto": cuda where gpu() is one. Of several GPUs the one that is chosen
/// also becomes libtorch's current one. Throws Error{usage}: a GPU that is not there, another name.
torch::Device choose_device(std::string_view wanted = "auto");
/// Of the module's first parameter or buffer; the processor where it has none.
torch::Device device_of(const torch::nn::Module& module);
/// Waits until the device has done what it was given.
void finish_work(const torch::Device& device);

/// Bytes onto a device: on a GPU from pinned memory, so that the processor does not wait for the copy.
Tensor bytes_to(const void* bytes, c10::IntArrayRef sizes, at::ScalarType type, const torch::Device& device);

}  // namespace fewlabel
