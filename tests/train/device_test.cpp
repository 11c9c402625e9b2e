// Where training runs. What needs a GPU is skipped where there is none.
#include "train/device.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include <limits>

#include "core/cancel.h"
#include "fewlabel/error.h"
#include "helpers.h"
#include "train/batches.h"
#include "train/module_state.h"
#include "train/optimizer.h"
#include "train/recorder.h"
#include "train/toy.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::toy_batches;
using testing::toy_options;
using testing::ToyMethod;
using testing::ToyNorm;

// libtorch remembers whether there is CUDA from the first time that anything asks, and other tests ask.
[[maybe_unused]] const bool looked_first = (gpu(), true);

TEST(Device, IsTheProcessorWhereItIsAskedFor) { EXPECT_TRUE(choose_device("cpu").is_cpu()); }

TEST(Device, AutoIsTheGpuWhereThereIsOne) { EXPECT_EQ(choose_device("auto").is_cuda(), static_cast<bool>(gpu())); }

TEST(Device, UnknownNamesAreRefused) {
  const Error error = error_of([] { choose_device("tpu"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("cuda"));
}

TEST(Device, OneOfSeveralGpusHasANumber) {
  for (const char* name : {"cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda0", "gpu"})
    EXPECT_THAT(error_of([&] { choose_device(name); }).message(), HasSubstr("unknown device")) << name;
  if (!gpu()) {
    EXPECT_THAT(error_of([] { choose_device("cuda:1"); }).message(), HasSubstr("cuda:1 was asked for, but"));
    return;
  }
  EXPECT_EQ(choose_device("cuda:0"), choose_device("cuda"));
  const std::string last = "cuda:" + std::to_string(gpu().count - 1);
  EXPECT_EQ(choose_device(last).str(), last);
  const std::string none = "cuda:" + std::to_string(gpu().count);
  EXPECT_THAT(error_of([&] { choose_device(none); }).message(), HasSubstr("GPU"));
  choose_device("cuda");
}

TEST(Device, AskingForAGpuWhereThereIsNoneSaysWhy) {
  if (gpu()) GTEST_SKIP() << "there is " << gpu().name;
  const Error error = error_of([] { choose_device("cuda"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_EQ(error.where(), "train.device");
  EXPECT_THAT(error.message(), HasSubstr(gpu().missing));
  EXPECT_THAT(error.hint(), HasSubstr("train.device=cpu"));
}

TEST(Device, AModuleStandsWhereItsTensorsStand) {
  EXPECT_TRUE(device_of(ToyMethod()).is_cpu());
  EXPECT_TRUE(device_of(*torch::nn::Flatten()).is_cpu());  // no tensor at all
}

/// Trains 20 steps, on one device until step 10 and on the other from there.
struct Trained {
  std::map<std::string, Tensor> state;
  std::map<std::string, double> values;  // of the last record
};
Trained trained(const torch::Device& first, const torch::Device& second, const std::string& optimizer) {
  const TemporaryFolder folder;
  TrainerOptions options = toy_options(20);
  options.optimizer.name = optimizer;
  options.optimizer.lr = optimizer == "sgd" ? 0.02 : 1e-3;
  options.optimizer.clip = 1;
  options.checkpoints = folder.path();
  options.hidden_labels.assign(100, 1);
  Trained result;
  TrainerHooks hooks;
  hooks.on_step = [](const StepRecord& record) {
    if (record.step == 10) request_cancel(ErrorKind::interrupted);
  };
  hooks.on_log = [&](const LogRecord& record) { result.values = record.values; };
  for (const torch::Device& device : {first, second}) {
    ToyMethod method(ToyNorm::none);  // without dropout, whose draws are the device's own
    method.to(device);
    Trainer trainer(method, options, toy_batches(), hooks);
    if (trainer.resume() == 0) {
      EXPECT_EQ(error_of([&] { trainer.run(); }).kind(), ErrorKind::interrupted);
      clear_cancel();
      continue;
    }
    trainer.run();
    const AverageScope averaged = trainer.averaged();
    for (const auto& [name, tensor] : state_of(method)) result.state[name] = tensor.detach().cpu().clone();
  }
  return result;
}

TEST(Device, ARunMayGoOnElsewhere) {
  if (!gpu()) GTEST_SKIP() << gpu().missing;
  at::globalContext().setAllowTF32CuDNN(false);
  const torch::Device cpu = torch::kCPU, cuda = choose_device("cuda");
  for (const char* optimizer : {"sgd", "adamw"}) {
    const Trained expected = trained(cpu, cpu, optimizer);
    for (const auto& [first, second] : {std::pair(cuda, cuda), {cpu, cuda}, {cuda, cpu}}) {
      const Trained found = trained(first, second, optimizer);
      for (const auto& [name, tensor] : expected.state)
        EXPECT_LE((tensor - found.state.at(name)).abs().max().item<double>(), 1e-3) << name;
      for (const auto& [name, value] : expected.values) EXPECT_NEAR(value, found.values.at(name), 2e-2) << name;
    }
  }
}

TEST(Device, ARecordedStepTrainsLikeAPlainOne) {
  if (!gpu()) GTEST_SKIP() << gpu().missing;
  at::globalContext().setAllowTF32CuDNN(false);
  const auto trained = [](bool record) {
    ToyMethod method(ToyNorm::batch);  // with dropout: a replay must draw what a plain step draws
    method.to(choose_device("cuda"));
    TrainerOptions options = toy_options(40);
    options.loop.cuda_graphs = record;
    options.hidden_labels.assign(100, 1);
    Trained result;
    TrainerHooks hooks;
    hooks.on_log = [&](const LogRecord& log) { result.values = log.values; };
    hooks.on_warning = [](const std::string& sentence) { ADD_FAILURE() << sentence; };
    Trainer(method, options, toy_batches(), hooks).run();
    for (const auto& [name, tensor] : state_of(method)) result.state[name] = tensor.detach().cpu().clone();
    return result;
  };
  ASSERT_TRUE(find_recorder().recorder) << find_recorder().missing;
  const Trained plain = trained(false), recorded = trained(true);
  for (const auto& [name, tensor] : plain.state)
    EXPECT_LE((tensor - recorded.state.at(name)).abs().max().item<double>(), 1e-3) << name;
  ASSERT_EQ(plain.values.size(), recorded.values.size());
  for (const auto& [name, value] : plain.values) EXPECT_NEAR(value, recorded.values.at(name), 2e-2) << name;
}

TEST(Device, BatchesAreTheSameOnBoth) {
  if (!gpu()) GTEST_SKIP() << gpu().missing;
  const Normalization rule{ImageShape{2, 2, 3}, {0.5F, 0.4F, 0.3F}, {0.25F, 0.2F, 0.1F}};
  RawBatch raw;
  raw.labeled.views.emplace_back(24);
  for (std::size_t i = 0; i < 24; ++i) raw.labeled.views[0][i] = static_cast<uint8_t>(10 * i);
  raw.labeled.index = {3, 1};
  raw.labeled.label = {0, 2};
  const Batch here = BatchMover(rule, torch::kCPU).batch(raw),
              there = BatchMover(rule, choose_device("cuda")).batch(raw);
  EXPECT_TRUE(there.labeled.x[0].is_cuda());
  EXPECT_EQ(here.labeled.x[0].strides(), there.labeled.x[0].strides());
  EXPECT_TRUE(torch::allclose(here.labeled.x[0], there.labeled.x[0].cpu(), 1e-5, 1e-5));
  EXPECT_TRUE(torch::equal(here.labeled.y, there.labeled.y.cpu()));
  EXPECT_TRUE(torch::equal(here.labeled.index, there.labeled.index.cpu()));
  EXPECT_EQ(there.unlabeled.index.numel(), 0);
}

TEST(Device, NoNumberOnTheGpuIsNoticedBeforeItIsSaved) {
  if (!gpu()) GTEST_SKIP() << gpu().missing;
  ToyMethod method(ToyNorm::none, std::numeric_limits<double>::infinity());
  method.to(choose_device("cuda"));
  const TemporaryFolder folder;
  TrainerOptions options = toy_options(20);
  options.checkpoints = folder.path();
  Trainer trainer(method, options, toy_batches());
  const Error error = error_of([&] { trainer.run(); });
  EXPECT_EQ(error.kind(), ErrorKind::diverged);
  EXPECT_THAT(error.message(), HasSubstr("at step 1"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace fewlabel
