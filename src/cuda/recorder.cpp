// The recorder by libtorch's CUDA graphs: a library of its own (libfewlabel_cuda.so), loaded where there is a GPU.
#include "train/recorder.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

namespace fewlabel {
namespace {

class CudaGraphRecorder final : public GpuRecorder {
 public:
  void record(const std::function<void()>& work) override {
    // The graph has memory of its own, so what the allocator keeps from earlier steps would only lie there.
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();
    const c10::cuda::CUDAStreamGuard own_stream(c10::cuda::getStreamFromPool());  // the default one cannot record
    graph_.capture_begin();
    try {
      work();
    } catch (...) {
      try {
        graph_.capture_end();
      } catch (const c10::Error&) {  // says that the recording is void, which is why we are here
      }
      throw;
    }
    graph_.capture_end();
  }

  void replay() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

}  // namespace
}  // namespace fewlabel

extern "C" __attribute__((visibility("default"))) fewlabel::GpuRecorder* fewlabel_make_recorder() {
  return new fewlabel::CudaGraphRecorder;
}
