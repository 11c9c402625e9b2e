#include "train/device.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>

#include "fewlabel/error.h"
#include "train/torch_compat.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

// The driver is asked by name: CUDA's headers are not needed to build, nor its libraries to run on a processor.
template <typename Function>
Function* symbol(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

/// What the driver says of its first GPU (CUDA_VISIBLE_DEVICES included).
Gpu ask_driver() {
  constexpr int kCapabilityMajor = 75;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
  Gpu found;
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (!driver) {
    found.missing = "there is no NVIDIA driver";
    return found;
  }
  auto* init = symbol<int(unsigned)>(driver, "cuInit");
  auto* count = symbol<int(int*)>(driver, "cuDeviceGetCount");
  auto* get = symbol<int(int*, int)>(driver, "cuDeviceGet");
  auto* name = symbol<int(char*, int, int)>(driver, "cuDeviceGetName");
  auto* memory = symbol<int(std::size_t*, int)>(driver, "cuDeviceTotalMem_v2");
  auto* attribute = symbol<int(int*, int, int)>(driver, "cuDeviceGetAttribute");
  int devices = 0, device = 0, major = 0;
  if (!init || !count || !get || !name || !memory || !attribute || init(0) != 0 || count(&devices) != 0 ||
      devices == 0 || get(&device, 0) != 0) {
    found.missing = "the NVIDIA driver shows no GPU";
    return found;
  }
  std::array<char, 256> text{};
  found.count = devices;
  std::size_t bytes = 0;
  if (name(text.data(), static_cast<int>(text.size()) - 1, device) == 0) found.name = text.data();
  if (memory(&bytes, device) == 0) found.memory_gb = static_cast<double>(bytes) / 1e9;
  found.bf16 = attribute(&major, kCapabilityMajor, device) == 0 && major >= 8;
  return found;
}

/// libtorch's CUDA half, a library beside the one that this program is linked with.
fs::path cuda_half() {
  Dl_info info = {};
  if (!dladdr(reinterpret_cast<void*>(&at::globalContext), &info) || !info.dli_fname) return {};
  std::error_code error;
  const fs::path beside = fs::canonical(info.dli_fname, error).parent_path() / "libtorch_cuda.so";
  return fs::exists(beside, error) ? beside : fs::path();
}

/// 0 of "cuda", N of "cuda:N".
std::optional<int> gpu_number(std::string_view wanted) {
  if (wanted == "cuda") return 0;
  constexpr std::string_view kPrefix = "cuda:";
  if (!wanted.starts_with(kPrefix)) return std::nullopt;
  wanted.remove_prefix(kPrefix.size());
  int number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  const bool whole = error == std::errc() && end == wanted.data() + wanted.size() && number >= 0;
  return whole ? std::optional(number) : std::nullopt;
}

Gpu look_for_gpu() {
  const fs::path library = cuda_half();
  Gpu found;
  if (library.empty()) {
    found.missing = "this libtorch is one without CUDA";
    return found;
  }
  found = ask_driver();
  if (!found) return found;
  // Loading registers the kernels; before anything else asks libtorch about CUDA, since it remembers the answer.
  if (!dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    const char* why = dlerror();
    found.missing = fmt::format("libtorch's CUDA half does not load: {}", why ? why : "no reason given");
  } else if (!torch::cuda::is_available()) {
    found.missing = "libtorch cannot use the GPU with this NVIDIA driver";
  }
  return found;
}

}  // namespace

const Gpu& gpu() {
  static const Gpu found = look_for_gpu();
  return found;
}

torch::Device choose_device(std::string_view wanted) {
  if (wanted == "cpu") return torch::kCPU;
  const std::optional<int> number = gpu_number(wanted);
  if (!number && wanted != "auto")
    throw Error(ErrorKind::usage, "train.device", fmt::format("unknown device '{}'", wanted),
                "use auto, cpu, cuda, or cuda:N for one of several GPUs");
  if (!gpu()) {
    if (wanted == "auto") return torch::kCPU;
    throw Error(ErrorKind::usage, "train.device", fmt::format("{} was asked for, but {}", wanted, gpu().missing),
                "train on the processor with train.device=cpu, or see docs/gpu.md");
  }
  const int chosen = number.value_or(0);
  if (chosen >= gpu().count)
    throw Error(ErrorKind::usage, "train.device",
                gpu().count == 1 ? fmt::format("{} was asked for, but there is one GPU: cuda:0", wanted)
                                 : fmt::format("{} was asked for, but there are {} GPUs: cuda:0 to cuda:{}", wanted,
                                               gpu().count, gpu().count - 1),
                "CUDA_VISIBLE_DEVICES may hide others; `nvidia-smi` lists them");
  const torch::Device device(torch::kCUDA, static_cast<c10::DeviceIndex>(chosen));
  c10::impl::getDeviceGuardImpl(torch::kCUDA)->setDevice(device);  // streams and graphs are of the current one
  return device;
}

torch::Device device_of(const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  if (!parameters.empty()) return parameters.front().device();
  const auto buffers = module.buffers();
  return buffers.empty() ? torch::Device(torch::kCPU) : buffers.front().device();
}

void finish_work(const torch::Device& device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

Tensor bytes_to(const void* bytes, c10::IntArrayRef sizes, at::ScalarType type, const torch::Device& device) {
  const Tensor staged = at::empty(sizes, at::TensorOptions(type).pinned_memory(device.is_cuda()));
  if (staged.numel() > 0) std::memcpy(staged.data_ptr(), bytes, staged.nbytes());
  return staged.to(device, /*non_blocking=*/true);
}

}  // namespace fewlabel
