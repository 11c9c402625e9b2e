// Training through the real loader: any number of workers, stopped or killed anywhere, gives the same bits.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <torch/torch.h>
#include <unistd.h>

#include <csignal>

#include "core/cancel.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "helpers.h"
#include "train/batches.h"
#include "train/precision.h"
#include "train/toy.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
using testing::bits_of;
using testing::kToyShape;
using testing::TemporaryFolder;
using testing::toy_options;
using testing::ToyMethod;

class ToyStore final : public ExampleStore {
 public:
  int64_t size() const override { return 50; }
  const Layout& layout() const override {
    static const Layout layout = kToyShape;
    return layout;
  }
  void fetch(int64_t index, uint8_t* out) const override {
    Random random({1, "toy store", 0, static_cast<uint64_t>(index)});
    for (int64_t i = 0; i < kToyShape.bytes(); ++i)
      out[i] = static_cast<uint8_t>((i / (1 + index % 3) % 2 == 0 ? 30U : 130U) + random.below(90));
  }
  std::vector<int64_t> damaged() const override { return {}; }
  const std::vector<Damage>& damage() const override { return damage_; }
  const std::string& content_hash() const override { return hash_; }

 private:
  std::vector<Damage> damage_;
  std::string hash_;
};

class Noise final : public Transform {
 public:
  void apply(const uint8_t* in, const Layout& layout, uint8_t* out, Random& random) const override {
    for (int64_t i = 0; i < layout.bytes(); ++i) out[i] = static_cast<uint8_t>(in[i] + random.below(30));
  }
};

OpenBatches loaded(int workers) {
  return [workers](int64_t first) {
    static const ToyStore store;
    StreamSpec labeled, unlabeled;
    for (int64_t i = 0; i < store.size(); ++i) {
      StreamSpec& stream = i < 12 ? labeled : unlabeled;
      stream.pool.push_back(i);
      stream.labels.push_back(i < 12 ? static_cast<int32_t>(i % 3) : kUnlabeled);
    }
    for (StreamSpec* stream : {&labeled, &unlabeled}) stream->transforms = {std::make_shared<Noise>()};
    labeled.batch = 8;
    unlabeled.batch = 16;
    return std::make_unique<LoaderBatches>(
        std::make_unique<Loader>(store, labeled, unlabeled, LoaderOptions{.workers = workers, .first_batch = first}));
  };
}

TrainerOptions options_in(const fs::path& folder) {
  TrainerOptions options = toy_options(24);
  options.checkpoints = folder;
  options.loop.precision = has_fast_bf16() ? "bf16" : "fp32";
  options.conduct.checkpoint_seconds = 0.01;
  return options;
}

// Goes on from whatever is there, to the end; all weights and averages.
std::string finish(const fs::path& folder, int workers) {
  ToyMethod method;
  Trainer trainer(method, options_in(folder), loaded(workers));
  trainer.resume();
  trainer.run();
  std::string bits = bits_of(method);
  const AverageScope averaged = trainer.averaged();
  return bits + bits_of(method);
}

TEST(Resume, AnyNumberOfWorkersGivesTheSameBits) {
  const TemporaryFolder first;
  const std::string expected = finish(first.path(), 0);
  Random random({0, "stops"});
  for (const int workers : {0, 1, 4}) {
    const TemporaryFolder folder;
    const auto stop_at = 1 + static_cast<int64_t>(random.below(22));
    {
      ToyMethod method;
      TrainerHooks hooks;
      hooks.on_step = [&](const StepRecord& record) {
        if (record.step == stop_at) request_cancel(ErrorKind::terminated);
      };
      Trainer trainer(method, options_in(folder.path()), loaded(workers), hooks);
      EXPECT_EQ(testing::error_of([&] { trainer.run(); }).kind(), ErrorKind::terminated);
      clear_cancel();
    }
    EXPECT_EQ(finish(folder.path(), 4 - workers), expected) << workers << " workers, stopped at " << stop_at;
  }
}

TEST(Resume, MakesUpForAnEvaluationThatWasCutShort) {
  const TemporaryFolder folder;
  std::vector<int64_t> evaluated;
  bool interrupt = true;
  const auto trained = [&] {
    ToyMethod method;
    TrainerOptions options = options_in(folder.path());
    options.loop.evaluate_every = 5;
    options.conduct.checkpoint_seconds = 1e9;
    TrainerHooks hooks;
    hooks.on_evaluate = [&](int64_t step) {
      if (interrupt && step == 10) {
        request_cancel(ErrorKind::interrupted);
        throw Error(ErrorKind::interrupted, "test", "stopped");
      }
      evaluated.push_back(step);
    };
    Trainer trainer(method, options, loaded(0), hooks);
    trainer.resume();
    trainer.run();
  };
  EXPECT_THAT(testing::error_of(trained).message(), ::testing::HasSubstr("stopped after step 10 of 24"));
  clear_cancel();
  interrupt = false;
  trained();
  EXPECT_THAT(evaluated, ::testing::ElementsAre(5, 10, 15, 20, 24));
}

// A child trains and is killed by the kernel at a random moment, often half-way through a save.
TEST(Resume, SurvivesKillsAtRandomMoments) {
  const TemporaryFolder first, folder;
  const std::string expected = finish(first.path(), 1);
  Random random({0, "kills"});
  int killed = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const pid_t child = ::fork();
    if (child == 0) {
      ToyMethod method;
      TrainerOptions options = options_in(folder.path());
      options.conduct.checkpoint_seconds = 0;  // save after every step
      Trainer trainer(method, options, loaded(0));
      trainer.resume();
      trainer.run();
      ::_exit(0);
    }
    ::usleep(5000 + random.below(60000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    killed += WIFSIGNALED(status);
  }
  EXPECT_GT(killed, 0);
  EXPECT_EQ(finish(folder.path(), 1), expected);
}

}  // namespace
}  // namespace fewlabel
