// Reduced precision of the forward pass: bf16 autocast where the processor or the GPU multiplies bf16 natively.
#pragma once
#include <c10/core/DeviceType.h>

#include <string_view>

namespace fewlabel {

enum class Precision { fp32, bf16 };

/// Whether this processor has bf16 instructions (avx512_bf16 or amx_bf16); without them bf16 is slower than fp32.
bool has_fast_bf16();
/// "bf16" or "fp32". Throws Error{usage}.
Precision parse_precision(std::string_view name);

/// Autocast of this thread on a kind of device while it lives; nothing happens for fp32. Casts of weights are forgotten
/// at both ends.
class AutocastScope {
 public:
  explicit AutocastScope(Precision precision, c10::DeviceType device = c10::kCPU);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType device_;
  bool before_;
};

/// Autocast off while it lives: backward runs in the types that forward recorded. The casts of weights are forgotten,
/// as the weights may be changed inside.
class AutocastPause {
 public:
  explicit AutocastPause(c10::DeviceType device = c10::kCPU);
  ~AutocastPause();
  AutocastPause(const AutocastPause&) = delete;
  AutocastPause& operator=(const AutocastPause&) = delete;

 private:
  c10::DeviceType device_;
  bool before_;
};

}  // namespace fewlabel
