// A recorder for the processor: keeps the function and calls it anew.
#pragma once
#include <utility>

#include "train/recorder.h"

namespace fewlabel::testing {

class FakeRecorder final : public GpuRecorder {
 public:
  void record(const std::function<void()>& work) override { work_ = work; }
  void replay() override {
    ++replays;
    work_();
  }
  int replays = 0;

 private:
  std::function<void()> work_;
};

}  // namespace fewlabel::testing
