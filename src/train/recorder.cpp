#include "train/recorder.h"

#include <dlfcn.h>

#include "train/device.h"

namespace fewlabel {

FoundRecorder find_recorder() {
  FoundRecorder found;
  if (!gpu()) {
    found.missing = gpu().missing;
    return found;
  }
  // By name: it lies beside the program, and what it needs of libtorch's CUDA half has been loaded by gpu().
  void* library = dlopen("libfewlabel_cuda.so", RTLD_NOW | RTLD_LOCAL);
  auto* make = library ? reinterpret_cast<GpuRecorder* (*)()>(dlsym(library, "fewlabel_make_recorder")) : nullptr;
  if (make) {
    found.recorder.reset(make());
  } else {
    const char* why = dlerror();
    found.missing = why ? why : "no reason given";
  }
  return found;
}

}  // namespace fewlabel
