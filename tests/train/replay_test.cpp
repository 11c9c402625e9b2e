// What a recorded step must do beside its recording; the recording itself is tested where there is a GPU (device_test).
#include "train/replay.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include "fewlabel/error.h"
#include "helpers.h"
#include "train/batches.h"
#include "train/fake_recorder.h"
#include "train/toy.h"

namespace fewlabel {
namespace {

using testing::bits_of;
using testing::error_of;
using testing::FakeRecorder;
using ::testing::HasSubstr;
using testing::kToyShape;
using testing::ToyBatches;
using testing::ToyMethod;
using testing::ToyNorm;

StepSettings settings() {
  StepSettings all;
  all.average = 0.9;
  all.method_name = "toy";
  all.hidden_labels.assign(100, 1);
  return all;
}

/// A toy method, the step it is lent and where its batches come from.
struct Training {
  ToyMethod method{ToyNorm::batch};
  TrainerStep step{method, settings()};
  ToyBatches source{0, 16, 16};
  BatchMover mover{{kToyShape, {0.4F}, {0.2F}}, torch::kCPU};
  int64_t update = 0;

  Batch next() {
    const Batch batch = mover.batch(source.next());
    torch::manual_seed(static_cast<uint64_t>(update));
    step.place({update, 0.05, batch.unlabeled.index, ""});
    ++update;
    return batch;
  }
};

/// The same update, by a plain step and by what may be a replayed one.
void update_both(Training& plain, Training& other, StepReplay& replay) {
  plain.method.learn(plain.next(), plain.step);
  replay.learn(other.next());
}

TEST(Replay, TrainsAndLogsLikePlainSteps) {
  Training plain, replayed;
  StepReplay replay(replayed.method, replayed.step, replayed.step, std::make_unique<FakeRecorder>());
  for (int64_t i = 0; i < 8; ++i) {
    update_both(plain, replayed, replay);
    EXPECT_EQ(replay.recorded(), i >= 3);
    EXPECT_TRUE(replayed.step.take_minimized());
  }
  EXPECT_EQ(bits_of(plain.method), bits_of(replayed.method));
  const auto expected = plain.step.metrics().take(), found = replayed.step.metrics().take();
  ASSERT_EQ(expected.size(), found.size());
  for (const auto& [name, value] : expected) EXPECT_NEAR(value, found.at(name), 1e-6) << name;
}

TEST(Replay, ABatchOfAnotherShapeIsAPlainStep) {
  Training training;
  auto recorder = std::make_unique<FakeRecorder>();
  FakeRecorder& fake = *recorder;
  StepReplay replay(training.method, training.step, training.step, std::move(recorder));
  for (int64_t i = 0; i < 5; ++i) replay.learn(training.next());
  EXPECT_EQ(fake.replays, 2);
  training.source = ToyBatches(5, 8, 16);
  const std::string before = bits_of(training.method);
  replay.learn(training.next());
  EXPECT_EQ(fake.replays, 2);
  EXPECT_NE(bits_of(training.method), before);
  training.source = ToyBatches(6, 16, 16);
  replay.learn(training.next());
  EXPECT_EQ(fake.replays, 3);
}

class RefusingRecorder final : public GpuRecorder {
 public:
  void record(const std::function<void()>&) override { TORCH_CHECK(false, "cannot be recorded\nand more"); }
  void replay() override { throw std::logic_error("nothing was recorded"); }
};

TEST(Replay, WhatCannotBeRecordedGoesOnPlainly) {
  Training plain, refused;
  StepReplay replay(refused.method, refused.step, refused.step, std::make_unique<RefusingRecorder>());
  for (int64_t i = 0; i < 6; ++i) update_both(plain, refused, replay);
  EXPECT_FALSE(replay.recorded());
  EXPECT_THAT(replay.failure(), HasSubstr("cannot be recorded"));
  EXPECT_EQ(replay.failure().find('\n'), std::string::npos);
  EXPECT_EQ(bits_of(plain.method), bits_of(refused.method));
}

/// Says that it may be replayed, which it may not.
class Twice final : public Method {
 public:
  Twice() { weight_ = register_parameter("weight", torch::ones({2})); }
  Needs needs() const override { return {{"weak"}, {"weak"}, 1}; }
  bool replayable() const override { return true; }
  void learn(const Batch&, Step& step) override {
    step.minimize(weight_.sum());
    step.minimize(weight_.square().sum());
  }

 private:
  torch::Tensor weight_;
};

TEST(Replay, AMethodThatMinimisesTwiceIsRefused) {
  Twice method;
  TrainerStep step(method, settings());
  StepReplay replay(method, step, step, std::make_unique<FakeRecorder>());
  for (int64_t i = 0; i < 3; ++i) replay.learn({});
  EXPECT_THAT(error_of([&] { replay.learn({}); }).message(), HasSubstr("more than once"));
}

}  // namespace
}  // namespace fewlabel
