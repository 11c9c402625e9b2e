// Losses, alignment, moving averages and forward passes, against slow and obvious oracles.
#include <torch/torch.h>

#include <cmath>

#include "helpers.h"
#include "methods/common/align.h"
#include "methods/common/forward.h"
#include "methods/common/losses.h"
#include "methods/common/rotation.h"
#include "methods/common/running_mean.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

Tensor some_logits(int64_t rows, int64_t classes, double phase = 0.0) {
  return 3.0 * torch::sin(phase + 1.7 * torch::arange(rows * classes, torch::kFloat)).view({rows, classes});
}

double log_softmax_at(const Tensor& logits, int64_t row, int64_t column) {
  double sum = 0.0;
  for (int64_t c = 0; c < logits.size(1); ++c) sum += std::exp(logits[row][c].item<double>());
  return logits[row][column].item<double>() - std::log(sum);
}

TEST(Losses, CrossEntropyEqualsTheLoop) {
  const Tensor logits = some_logits(5, 4), label = torch::tensor({0, 3, 1, 1, 2}, torch::kLong);
  for (const double smoothing : {0.0, 0.3}) {
    double sum = 0.0;
    for (int64_t i = 0; i < 5; ++i)
      for (int64_t c = 0; c < 4; ++c) {
        const double target = (c == label[i].item<int64_t>() ? 1.0 - smoothing : 0.0) + smoothing / 4.0;
        sum -= target * log_softmax_at(logits, i, c);
      }
    EXPECT_NEAR(cross_entropy(logits, label, smoothing).item<double>(), sum / 5.0, 1e-5);
  }
  const Tensor each = cross_entropy_each(logits, label);
  for (int64_t i = 0; i < 5; ++i)
    EXPECT_NEAR(each[i].item<double>(), -log_softmax_at(logits, i, label[i].item<int64_t>()), 1e-5);
}

TEST(Losses, AreComputedInFp32WhateverTheLogits) {
  const Tensor logits = some_logits(5, 4).to(torch::kBFloat16), label = torch::tensor({0, 3, 1, 1, 2}, torch::kLong);
  EXPECT_EQ(cross_entropy(logits, label).scalar_type(), torch::kFloat);
  EXPECT_EQ(cross_entropy_each(logits, label).scalar_type(), torch::kFloat);
  EXPECT_EQ(probabilities(logits).scalar_type(), torch::kFloat);
}

TEST(Losses, OneHotRowsHaveASingleOne) {
  EXPECT_TRUE(torch::equal(one_hot_rows(torch::tensor({2, 0}, torch::kLong), 3),
                           torch::tensor({{0.0F, 0.0F, 1.0F}, {1.0F, 0.0F, 0.0F}})));
}

TEST(RunningMean, MovesOncePerUpdateOverAllMicroBatches) {
  RunningMean mean(torch::zeros({2}));
  mean->observe(torch::tensor({{1.0F, 2.0F}, {3.0F, 4.0F}}));
  mean->observe(torch::tensor({{5.0F, 9.0F}}));
  EXPECT_TRUE(torch::equal(mean->value(), torch::zeros({2})));
  mean->move(0.75);
  EXPECT_TRUE(torch::allclose(mean->value(), 0.25 * torch::tensor({3.0F, 5.0F})));
  const Tensor before = mean->value().clone();
  mean->move(0.75);  // nothing seen: nothing moves
  EXPECT_TRUE(torch::equal(mean->value(), before));
}

TEST(Alignment, EqualsTheLoopAndTakesTheShareOfTheLabels) {
  ConsistencyConfig config;
  config.align = true;
  config.align_decay = 0.5;
  Task task = Toy::task();
  task.class_share = {0.5, 0.3, 0.2};
  Alignment align(config, task);
  const Tensor p = torch::softmax(some_logits(6, 3), 1);
  EXPECT_TRUE(torch::allclose(align->forward(p), p));  // the average starts at the share
  align->updated();
  const Tensor q = align->forward(p);
  for (int64_t i = 0; i < 6; ++i) {
    std::vector<double> wanted(3);
    double sum = 0.0;
    for (int64_t c = 0; c < 3; ++c) {
      double mean = 0.0;
      for (int64_t j = 0; j < 6; ++j) mean += p[j][c].item<double>() / 6.0;
      const double share = task.class_share[static_cast<std::size_t>(c)];
      sum += wanted[static_cast<std::size_t>(c)] = p[i][c].item<double>() * share / (0.5 * share + 0.5 * mean);
    }
    for (int64_t c = 0; c < 3; ++c)
      EXPECT_NEAR(q[i][c].item<double>(), wanted[static_cast<std::size_t>(c)] / sum, 1e-5);
  }
}

TEST(Alignment, OffIsTheIdentityWithoutState) {
  Alignment align(ConsistencyConfig{}, Toy::task());
  const Tensor p = torch::softmax(some_logits(6, 3), 1);
  EXPECT_TRUE(torch::equal(align->forward(p), p));
  align->updated();
  EXPECT_TRUE(align->buffers().empty());
}

Batch toy_batch() { return Toy::batch({.labeled = {"weak"}, .unlabeled = {"weak", "strong"}, .ratio = 2}, 0); }

ConsistencyConfig weak(const std::string& way) {
  ConsistencyConfig config;
  config.weak_forward = way;
  return config;
}

/// 8 × 8, a quarter turn against the clock.
Tensor turned_once(const Tensor& image) {
  Tensor turned = torch::empty_like(image);
  for (int64_t row = 0; row < 8; ++row)
    for (int64_t column = 0; column < 8; ++column) turned[0][row][column] = image[0][column][7 - row];
  return turned;
}

Task seeded_task(uint64_t seed) {
  Task task = Toy::task();
  task.seed = seed;
  return task;
}

TEST(Rotation, EqualsTheLoop) {
  const Net net = Toy::net("seed_cnn");
  Rotation rotation(2.0, net->feature_size(), seeded_task(9));
  const Tensor weight = rotation->named_parameters()["head.weight"].detach();
  const Batch batch = Toy::batch({.labeled = {"weak"}, .unlabeled = {"weak", "strong"}, .ratio = 2}, 0);
  RecordingStep step;
  const double loss = rotation->loss(*net, batch, step).item<double>();

  double sum = 0.0, right = 0.0;
  const torch::NoGradGuard no_grad;
  for (int64_t i = 0; i < 6; ++i) {  // of 18
    Tensor image = batch.unlabeled.x[0][3 * i];
    for (int64_t k = 0; k < i % 4; ++k) image = turned_once(image);
    const Tensor logits = net->features(image.unsqueeze(0)).mm(weight.t());
    sum -= log_softmax_at(logits, 0, i % 4);
    right += logits.argmax(1).item<int64_t>() == i % 4;
  }
  EXPECT_NEAR(loss, 2.0 * sum / 6.0, 1e-5);
  EXPECT_NEAR(step.logged["loss/rotation"], sum / 6.0, 1e-5);
  EXPECT_NEAR(step.logged["rotation/accuracy"], right / 6.0, 1e-6);
}

TEST(Rotation, LeavesRunningStatisticsToRealExamples) {
  const Net net = Toy::net("cnn");
  net->train();
  const auto before = state_of(*net);
  Rotation rotation(1.0, net->feature_size(), seeded_task(9));
  RecordingStep step;
  rotation->loss(*net, Toy::batch({.labeled = {"weak"}, .unlabeled = {"weak"}, .ratio = 2}, 0), step).backward();
  for (const auto& [name, value] : state_of(*net)) EXPECT_TRUE(torch::equal(value, before.at(name))) << name;
  for (const auto& item : net->named_parameters())
    EXPECT_EQ(item.value().grad().defined(), !item.key().starts_with("head")) << item.key();
}

TEST(Rotation, OffIsNothing) {
  const Net net = Toy::net();
  Rotation rotation(0.0, net->feature_size(), seeded_task(9));
  RecordingStep step;
  EXPECT_EQ(rotation->loss(*net, Toy::batch({.labeled = {"weak"}, .unlabeled = {"weak"}}, 0), step).item<double>(),
            0.0);
  EXPECT_TRUE(rotation->parameters().empty());
  EXPECT_TRUE(step.logged.empty());
}

TEST(ForwardConsistency, BothWaysAgreeWithoutBatchNorm) {
  const Net net = Toy::net("mlp");
  const auto apart = forward_consistency(*net, toy_batch(), weak("separate"));
  const auto together = forward_consistency(*net, toy_batch(), weak("together"));
  EXPECT_TRUE(torch::allclose(apart.x, together.x, 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(apart.u_weak, together.u_weak, 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(apart.u_strong, together.u_strong, 1e-4, 1e-5));
  for (const auto* logits : {&apart, &together}) {
    EXPECT_FALSE(logits->u_weak.requires_grad());
    EXPECT_TRUE(logits->x.requires_grad() && logits->u_strong.requires_grad());
  }
}

TEST(ForwardConsistency, UnkeptStrongViewsNeedNoPass) {
  const Net net = Toy::net("mlp");
  ConsistencyConfig config;
  const ConsistencyLogits all = forward_consistency(*net, toy_batch(), config);
  config.strong_forward = "kept";
  for (const bool some : {true, false}) {
    ConsistencyLogits logits = forward_consistency(*net, toy_batch(), config);
    EXPECT_FALSE(logits.x.defined() || logits.u_strong.defined());
    Tensor kept = torch::zeros({all.u_strong.size(0)});
    if (some) kept.slice(0, 1, 4).fill_(1);
    finish_consistency(logits, *net, toy_batch(), kept);
    EXPECT_TRUE(torch::allclose(logits.x, all.x, 1e-4, 1e-5));
    EXPECT_TRUE(torch::allclose(logits.u_strong, all.u_strong * kept.unsqueeze(1), 1e-4, 1e-5));
    logits.u_strong.sum().backward();
  }
}

TEST(ForwardConsistency, SeparatePassesMoveTheRunningStatisticsTwice) {
  const auto passes = [](const std::string& way) {
    const Net net = Toy::net("cnn");
    forward_consistency(*net, toy_batch(), weak(way));
    for (const auto& buffer : net->named_buffers())
      if (buffer.key().ends_with("num_batches_tracked")) return buffer.value().item<int64_t>();
    return int64_t{-1};
  };
  EXPECT_EQ(passes("separate"), 2);
  EXPECT_EQ(passes("together"), 1);
}

TEST(ForwardConsistency, AutocastLeavesEveryWeightAGradient) {
  for (const char* way : {"separate", "together"}) {
    const Net net = Toy::net("cnn");
    ConsistencyLogits logits;
    {
      const Autocast autocast;
      logits = forward_consistency(*net, toy_batch(), weak(way));
    }
    EXPECT_EQ(logits.x.scalar_type(), torch::kFloat) << way;
    (cross_entropy(logits.x, toy_batch().labeled.y) + logits.u_strong.square().mean()).backward();
    for (const auto& item : net->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << way << " " << item.key();
      EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0.0) << way << " " << item.key();
    }
  }
}

}  // namespace
}  // namespace fewlabel::testing
