// CUDA graphs behind an interface, so that nothing else needs CUDA's headers or its libraries.
#pragma once
#include <functional>
#include <memory>
#include <string>

namespace fewlabel {

/// Keeps the work that a function starts on a GPU, and starts all of it anew at once: a step is many small
/// operations, and the processor needs longer to start them than the GPU to finish them.
class GpuRecorder {
 public:
  virtual ~GpuRecorder() = default;
  /// Calls `work` once. What it starts on the GPU is kept and not done; tensors that it makes stay where they are, and
  /// hold values after the first replay. Throws what `work` throws, and c10::Error where something cannot be recorded
  /// (whatever waits for the GPU). To be called once.
  virtual void record(const std::function<void()>& work) = 0;
  /// Does what was recorded, with the numbers that the tensors hold now and fresh draws of random numbers.
  virtual void replay() = 0;
};

/// Either a recorder or, where there is none, why not.
struct FoundRecorder {
  std::unique_ptr<GpuRecorder> recorder;
  std::string missing;
};
/// For the GPU that the process uses. The library with it is one of its own, built where libtorch has CUDA's headers.
FoundRecorder find_recorder();

}  // namespace fewlabel
