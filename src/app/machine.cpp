#include "app/machine.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/resource.h>
#include <torch/torch.h>
#include <torch/version.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "core/text.h"
#include "fewlabel/version.h"
#include "train/device.h"
#include "train/machine.h"
#include "train/precision.h"

namespace fewlabel {
namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return trim(line.substr(line.find(':') + 1));
  return "unknown";
}

/// The file that provides sgemm_: Debian lets the user choose the BLAS, and reference BLAS is 27 times slower.
std::string blas_library() {
  if (at::hasMKL()) return "MKL, within libtorch";
  void* symbol = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info info = {};
  if (!symbol || !dladdr(symbol, &info) || !info.dli_fname) return "unknown";
  char resolved[4096];
  return realpath(info.dli_fname, resolved) ? std::string(resolved) : std::string(info.dli_fname);
}

std::string instruction_sets() {
  std::vector<std::string> sets;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) sets.emplace_back("avx2");
  if (__builtin_cpu_supports("avx512f")) sets.emplace_back("avx512");
#endif
  if (has_fast_bf16()) sets.emplace_back("bf16");
  return sets.empty() ? "baseline" : join(sets, " ");
}

}  // namespace

Json machine_facts() {
  Json facts = {
      {"fewlabel", FEWLABEL_VERSION},
      {"libtorch", TORCH_VERSION},
      {"cpu", processor()},
      {"cores", static_cast<int64_t>(std::thread::hardware_concurrency())},
      {"threads", usable_threads()},
      {"isa", instruction_sets()},
      {"memory_gb", static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE)) / 1e9},
      {"blas", blas_library()}};
  if (gpu()) facts["gpu"] = fmt::format("{}, {:.0f} GB", gpu().name, gpu().memory_gb);
  return facts;
}

double peak_memory_mb() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

}  // namespace fewlabel
