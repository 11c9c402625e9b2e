#include "train/precision.h"

#include <fmt/format.h>

#include "fewlabel/error.h"
#include "train/torch_compat.h"

namespace fewlabel {

bool has_fast_bf16() {
#if defined(__x86_64__)
  // avx512bf16 asks the operating system too (it must save the wide registers); amx_bf16 machines all have it.
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

Precision parse_precision(std::string_view name) {
  if (name == "bf16") return Precision::bf16;
  if (name == "fp32") return Precision::fp32;
  throw Error(ErrorKind::usage, "train.precision", fmt::format("unknown precision '{}'", name), "use bf16 or fp32");
}

AutocastScope::AutocastScope(Precision precision, c10::DeviceType device)
    : device_(device), before_(compat::autocast_enabled(device)) {
  compat::clear_autocast_cache();
  if (precision == Precision::bf16) compat::set_autocast_type(device, at::kBFloat16);
  compat::enable_autocast(device, precision == Precision::bf16);
}
AutocastScope::~AutocastScope() {
  compat::enable_autocast(device_, before_);
  compat::clear_autocast_cache();
}

AutocastPause::AutocastPause(c10::DeviceType device) : device_(device), before_(compat::autocast_enabled(device)) {
  compat::enable_autocast(device, false);
}
AutocastPause::~AutocastPause() {
  compat::enable_autocast(device_, before_);
  compat::clear_autocast_cache();
}

}  // namespace fewlabel
