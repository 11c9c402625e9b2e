// The one place that knows how libtorch 1.13 and the 2.x versions differ.
#pragma once
#include <ATen/autocast_mode.h>
#include <torch/torch.h>
#include <torch/version.h>

namespace fewlabel::compat {

// 2.4 replaced the functions named after a device by ones that take the device.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
inline bool autocast_enabled(at::DeviceType on) { return at::autocast::is_autocast_enabled(on); }
inline void enable_autocast(at::DeviceType on, bool enabled) { at::autocast::set_autocast_enabled(on, enabled); }
inline void set_autocast_type(at::DeviceType on, at::ScalarType type) { at::autocast::set_autocast_dtype(on, type); }
#else
inline bool autocast_enabled(at::DeviceType on) {
  return on == at::kCUDA ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled();
}
inline void enable_autocast(at::DeviceType on, bool enabled) {
  on == at::kCUDA ? at::autocast::set_enabled(enabled) : at::autocast::set_cpu_enabled(enabled);
}
inline void set_autocast_type(at::DeviceType on, at::ScalarType type) {
  on == at::kCUDA ? at::autocast::set_autocast_gpu_dtype(type) : at::autocast::set_autocast_cpu_dtype(type);
}
#endif

inline void clear_autocast_cache() { at::autocast::clear_cache(); }

/// Tells autograd that the tensor was written behind its back: a graph that saved it must fail, not lie.
inline void bump_version(const at::Tensor& tensor) { tensor.unsafeGetTensorImpl()->bump_version(); }

/// Each tensor times a scalar that lies on their device; 2.1 has one operation for all.
inline void multiply_each(const std::vector<at::Tensor>& tensors, const at::Tensor& factor) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
  at::_foreach_mul_(tensors, factor);
#else
  for (const at::Tensor& tensor : tensors) tensor.mul_(factor);
#endif
}

inline void backward(const at::Tensor& loss, const std::vector<at::Tensor>& inputs) {
  loss.backward({}, /*retain_graph=*/false, /*create_graph=*/false, at::TensorList(inputs));
}

}  // namespace fewlabel::compat
