// One step of a method recorded on the GPU and replayed from then on.
#pragma once
#include <memory>
#include <string>

#include "train/recorder.h"
#include "train/step.h"

namespace fewlabel {

/// For a method that is replayable(). What learn() starts on the GPU is recorded once, gradients included; optimiser,
/// logs and Method::updated() run as always, with the tensors that a replay fills.
class StepReplay {
 public:
  /// `outer` is what the method would be lent: `step` itself or what stands before it. All must outlive this.
  StepReplay(Method& method, TrainerStep& step, Step& outer, std::unique_ptr<GpuRecorder> recorder);
  ~StepReplay();

  /// In place of method.learn(batch, outer). The first steps are that call itself, so that libtorch has made its
  /// choices and its buffers; so is every step with a batch of another shape.
  void learn(const Batch& batch);
  bool recorded() const { return recorded_; }
  /// Why recording failed, after which every step is a plain one; empty if it did not.
  const std::string& failure() const { return failure_; }

 private:
  class RecordedStep;
  void record(const Batch& batch);

  Method& method_;
  TrainerStep& step_;
  Step& outer_;
  std::unique_ptr<GpuRecorder> recorder_;
  std::unique_ptr<RecordedStep> kept_;
  Batch input_;  // where the recorded work reads its batch
  int64_t plain_ = 0;
  bool recorded_ = false;
  std::string failure_;
};

}  // namespace fewlabel
