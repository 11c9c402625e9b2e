#include "fewlabel/trainer.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include "core/cancel.h"
#include "fewlabel/error.h"
#include "helpers.h"
#include "train/checkpoint.h"
#include "train/precision.h"
#include "train/toy.h"

namespace fewlabel {
namespace {

using testing::bits_of;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::toy_batches;
using testing::toy_options;
using testing::ToyMethod;
using testing::ToyNorm;

TEST(Trainer, LearnsTheToy) {
  ToyMethod method;
  std::vector<LogRecord> records;
  TrainerHooks hooks;
  hooks.on_log = [&](const LogRecord& record) { records.push_back(record); };
  Trainer trainer(method, toy_options(60), toy_batches(), hooks);
  trainer.run();
  ASSERT_EQ(records.size(), 6U);
  EXPECT_LT(records.back().values.at("loss/labeled"), 0.5 * records.front().values.at("loss/labeled"));
  EXPECT_EQ(trainer.step(), 60);
  EXPECT_FLOAT_EQ(method.named_buffers()["progress"].item<float>(), 1);
  for (const char* name : {"lr", "gradient_norm", "pseudo_labels/kept"})
    EXPECT_TRUE(records.back().values.contains(name)) << name;
}

std::string train_bits(TrainerOptions options, int64_t steps_before_measuring = 0) {
  ToyMethod method;
  Trainer trainer(method, std::move(options), toy_batches());
  if (steps_before_measuring > 0) trainer.measure_step_seconds(2, steps_before_measuring);
  trainer.run();
  std::string bits = bits_of(method);
  const AverageScope averaged = trainer.averaged();
  return bits + bits_of(method);
}

TEST(Trainer, SameSeedSameBits) {
  for (const char* precision : {"fp32", "bf16"}) {
    if (precision == std::string("bf16") && !has_fast_bf16()) continue;
    at::set_num_threads(2);
    TrainerOptions options = toy_options(6);
    options.loop.precision = precision;
    const std::string first = train_bits(options);
    EXPECT_EQ(first, train_bits(options)) << precision;
    options.seed = 1;  // the toy's dropout
    EXPECT_NE(first, train_bits(options)) << precision;
    at::set_num_threads(1);
  }
}

TEST(Trainer, MeasuringChangesNothing) { EXPECT_EQ(train_bits(toy_options(8)), train_bits(toy_options(8), 9)); }

// Runs to `stop_at`, is cancelled, and a new process goes on.
std::string interrupted_bits(const TrainerOptions& options, int64_t stop_at, std::vector<LogRecord>* records) {
  TrainerHooks hooks;
  hooks.on_log = [&](const LogRecord& record) { records->push_back(record); };
  {
    ToyMethod method;
    TrainerHooks stopping = hooks;
    stopping.on_step = [&](const StepRecord& record) {
      if (record.step == stop_at) request_cancel(ErrorKind::interrupted);
    };
    Trainer trainer(method, options, toy_batches(), stopping);
    const Error error = error_of([&] { trainer.run(); });
    clear_cancel();
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
    EXPECT_THAT(error.message(), HasSubstr("step " + std::to_string(stop_at)));
    EXPECT_THAT(error.hint(), HasSubstr("fewlabel train --resume out=toy"));
  }
  torch::manual_seed(99);  // another process has another global generator
  ToyMethod method;
  Trainer trainer(method, options, toy_batches(), hooks);
  EXPECT_EQ(trainer.resume(), stop_at);
  trainer.run();
  std::string bits = bits_of(method);
  const AverageScope averaged = trainer.averaged();
  return bits + bits_of(method);
}

TEST(Trainer, StoppingAndResumingEqualsNeverStopping) {
  for (const int64_t accumulate : {1, 2})
    for (const char* optimizer : {"sgd", "adamw"}) {
      const TemporaryFolder folder;
      TrainerOptions options = toy_options(20);
      options.loop.log_every = 4;
      options.loop.accumulate = accumulate;
      options.optimizer.name = optimizer;
      options.hidden_labels.assign(100, 1);
      std::vector<LogRecord> expected, records;
      std::string never_stopped;
      {
        ToyMethod method;
        TrainerHooks hooks;
        hooks.on_log = [&](const LogRecord& record) { expected.push_back(record); };
        Trainer trainer(method, options, toy_batches(), hooks);
        trainer.run();
        never_stopped = bits_of(method);
        const AverageScope averaged = trainer.averaged();
        never_stopped += bits_of(method);
      }
      options.checkpoints = folder.path();
      EXPECT_EQ(interrupted_bits(options, 7, &records), never_stopped) << optimizer << " " << accumulate;
      ASSERT_EQ(records.size(), expected.size());
      for (std::size_t i = 0; i < records.size(); ++i) {
        EXPECT_EQ(records[i].step, expected[i].step);
        EXPECT_EQ(records[i].values, expected[i].values) << "means over a stop must be the same bits";
      }
    }
}

TEST(Trainer, RefusesToResumeAnotherPlan) {
  const TemporaryFolder folder;
  TrainerOptions options = toy_options(2);
  options.checkpoints = folder.path();
  ToyMethod method;
  Trainer(method, options, toy_batches()).run();
  options.loop.steps = 3;
  Trainer longer(method, options, toy_batches());
  EXPECT_EQ(error_of([&] { longer.resume(); }).kind(), ErrorKind::storage);
}

TEST(Trainer, RefusesACheckpointOfAnotherFormat) {
  const TemporaryFolder folder;
  TrainerOptions options = toy_options(2);
  options.checkpoints = folder.path();
  ToyMethod method;
  Trainer(method, options, toy_batches()).run();
  const CheckpointStore store(folder.path(), 2);
  Checkpoint old = store.newest()->checkpoint;
  old.state["format"] = 1;
  store.save(2, old);
  const Error error = error_of([&] { Trainer(method, options, toy_batches()).resume(); });
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.message(), HasSubstr("format 1"));
}

// How fast the steps were is the machine's business; that the plan is through with the last of them is not.
TEST(Trainer, EndsWithItsMinutesAndItsScheduleReachesTheEnd) {
  TrainerOptions options = toy_options(1'000'000);
  options.loop.minutes = 1.5 / 60;
  options.loop.log_every = 1;
  options.optimizer.schedule = "linear";
  std::vector<LogRecord> records;
  TrainerHooks hooks;
  hooks.on_log = [&](const LogRecord& record) { records.push_back(record); };
  ToyMethod method;
  Trainer trainer(method, options, toy_batches(), hooks);
  trainer.run();
  EXPECT_LT(trainer.step(), 1'000'000);
  EXPECT_EQ(trainer.step(), trainer.steps());
  EXPECT_EQ(records.back().step, trainer.step());
  EXPECT_FLOAT_EQ(method.named_buffers()["progress"].item<float>(), 1);
}

TEST(Trainer, SavesEverySoManySecondsAndAtTheEnd) {
  const TemporaryFolder folder;
  TrainerOptions options = toy_options(3);
  options.checkpoints = folder.path();
  options.conduct.checkpoint_seconds = 0;
  std::vector<int64_t> saved;
  TrainerHooks hooks;
  hooks.on_checkpoint = [&](int64_t step, const std::filesystem::path&) { saved.push_back(step); };
  ToyMethod method;
  Trainer(method, options, toy_batches(), hooks).run();
  EXPECT_THAT(saved, ::testing::ElementsAre(1, 2, 3));
}

TEST(Trainer, EvaluatesWithAveragedWeightsInEvaluationMode) {
  TrainerOptions options = toy_options(4);
  options.loop.evaluate_every = 2;
  ToyMethod method;
  Trainer* running = nullptr;
  std::vector<int64_t> steps;
  TrainerHooks hooks;
  hooks.on_evaluate = [&](int64_t step) {
    steps.push_back(step);
    EXPECT_FALSE(method.is_training());
    const std::string averaged = bits_of(method);
    {
      const AverageScope nested = running->averaged();
      EXPECT_EQ(bits_of(method), averaged);
    }
    EXPECT_EQ(bits_of(method), averaged);
  };
  Trainer trainer(method, options, toy_batches(), hooks);
  running = &trainer;
  trainer.run();
  EXPECT_THAT(steps, ::testing::ElementsAre(2, 4));
  EXPECT_TRUE(method.is_training());
  const std::string live = bits_of(method);
  const AverageScope averaged = trainer.averaged();
  EXPECT_NE(bits_of(method), live);
}

TEST(Trainer, TwoMicroBatchesEqualOneBatch) {
  // The toy's batches are keyed by their number, so the large one is made of the two small ones.
  class Joined final : public BatchSource {
   public:
    const RawBatch& next() override {
      batch_ = small_.next();
      const RawBatch more = small_.next();
      for (auto [to, from] : {std::pair{&batch_.labeled, &more.labeled}, {&batch_.unlabeled, &more.unlabeled}}) {
        to->views[0].insert(to->views[0].end(), from->views[0].begin(), from->views[0].end());
        to->index.insert(to->index.end(), from->index.begin(), from->index.end());
        to->label.insert(to->label.end(), from->label.begin(), from->label.end());
      }
      return batch_;
    }

   private:
    testing::ToyBatches small_{0, 8, 8};
    RawBatch batch_;
  };
  ToyMethod accumulated(ToyNorm::none), whole(ToyNorm::none);
  TrainerOptions options = toy_options(5);
  Trainer(whole, options, [](int64_t) { return std::make_unique<Joined>(); }).run();
  options.loop.accumulate = 2;
  Trainer(accumulated, options, toy_batches(8, 8)).run();
  for (const auto& entry : whole.named_parameters())
    EXPECT_TRUE(torch::allclose(entry.value(), accumulated.named_parameters()[entry.key()], 1e-4, 1e-5)) << entry.key();
}

TEST(Trainer, MonitorsPseudoLabelsAgainstHiddenLabels) {
  TrainerOptions options = toy_options(3);
  options.loop.log_every = 3;
  options.hidden_labels.assign(100, -1);
  std::map<std::string, double> values;
  TrainerHooks hooks;
  hooks.on_log = [&](const LogRecord& record) { values = record.values; };
  ToyMethod first;
  Trainer(first, options, toy_batches(), hooks).run();
  EXPECT_FALSE(values.contains("pseudo_labels/accuracy")) << "nothing is known of these";
}

}  // namespace
}  // namespace fewlabel
