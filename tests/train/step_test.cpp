#include "train/step.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include "fewlabel/error.h"
#include "helpers.h"
#include "train/precision.h"
#include "train/torch_compat.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

// Two parameters in two groups, as a generator and a discriminator.
class Pair final : public Method {
 public:
  Pair() {
    a_ = register_parameter("a", torch::ones({2, 2}));
    b_ = register_parameter("b", torch::ones({2, 2}));
  }
  Needs needs() const override { return {}; }
  Groups groups() override { return {{"first", {a_}}, {"second", {b_}}}; }
  double rate(std::string_view group) const override { return group == "second" ? 3.0 : 1.0; }
  void learn(const Batch&, Step&) override {}
  torch::Tensor a_, b_;
};

StepSettings settings(int64_t accumulate = 1) {
  StepSettings all;
  all.optimizer.weight_decay = 0;
  all.accumulate = accumulate;
  all.method_name = "pair";
  return all;
}

TEST(Step, AGroupsStepLeavesTheOthersAlone) {
  Pair method;
  TrainerStep step(method, settings());
  step.place({0, 0.1, {}, ""});
  step.minimize((method.a_ * method.b_).sum(), "first");
  EXPECT_FALSE(torch::equal(method.a_, torch::ones({2, 2})));
  EXPECT_TRUE(torch::equal(method.b_, torch::ones({2, 2})));
  EXPECT_FALSE(method.b_.grad().defined());
}

TEST(Step, AGroupMovesAtItsOwnRate) {
  Pair method;
  StepSettings plain = settings();
  plain.optimizer.momentum = 0;
  TrainerStep step(method, plain);
  step.place({0, 0.1, {}, ""});
  step.minimize(method.a_.sum(), "first");
  step.minimize(method.b_.sum(), "second");
  EXPECT_NEAR(1 - method.a_[0][0].item<double>(), 0.1, 1e-6);
  EXPECT_NEAR(1 - method.b_[0][0].item<double>(), 0.3, 1e-6);
}

TEST(Step, WhatIsMinimisedIsLogged) {
  Pair method;
  TrainerStep step(method, settings());
  step.place({0, 0.0, {}, ""});
  step.minimize(method.a_.sum() * 2, "first");
  step.minimize(method.b_.sum() * 3, "second");
  // What the method says of the same names counts for nothing.
  step.log({{"loss", torch::tensor(100.0)}, {"loss/second", torch::tensor(100.0)}, {"loss/term", torch::tensor(1.0)}});
  const auto values = step.metrics().take();
  EXPECT_EQ(values.at("loss/first"), 8);
  EXPECT_EQ(values.at("loss/second"), 12);
  EXPECT_EQ(values.at("loss"), 8) << "that of the first group, where none is called model";
  EXPECT_EQ(values.at("loss/term"), 1);
}

TEST(Step, TheLossOfTheModelIsTheLoss) {
  class Single final : public Method {
   public:
    Single() { weight_ = register_parameter("weight", torch::ones({2})); }
    Needs needs() const override { return {}; }
    void learn(const Batch&, Step&) override {}
    torch::Tensor weight_;
  };
  Single method;
  TrainerStep step(method, settings(2));
  step.place({0, 0.0, {}, ""});
  step.minimize(method.weight_.sum());
  step.minimize(method.weight_.sum() * 2);
  const auto values = step.metrics().take();
  EXPECT_EQ(values.at("loss"), 3) << "the mean over micro-batches, each undivided";
  EXPECT_FALSE(values.contains("loss/model"));
}

TEST(Step, SpreadAndRankTellCollapsedEmbeddingsFromEvenOnes) {
  Pair method;
  TrainerStep step(method, settings());
  torch::manual_seed(1);
  const auto measured = [&](const torch::Tensor& z) {
    step.place({0, 0.1, {}, ""});
    step.embeddings(z);
    return step.metrics().take();
  };
  auto even = measured(torch::randn({512, 16}));
  EXPECT_NEAR(even["embedding/spread"], 1.0, 0.02);
  EXPECT_GT(even["embedding/rank"], 15.0);
  auto point = measured(torch::ones({64, 16}) + 1e-3 * torch::randn({64, 16}));
  EXPECT_LT(point["embedding/spread"], 0.01);
  auto line = measured(torch::randn({64, 1}) * torch::ones({1, 16}));  // two opposite points
  EXPECT_LT(line["embedding/rank"], 1.01);
}

TEST(Step, AStaleGraphThrowsInsteadOfLying) {
  Pair method;
  TrainerStep step(method, settings());
  step.place({0, 0.1, {}, ""});
  const auto stale = (method.a_ * method.b_).sum();  // the gradient of b is the a of now
  step.minimize((method.a_ * method.a_).sum(), "first");
  EXPECT_THROW(step.minimize(stale, "second"), c10::Error);
}

TEST(Step, NanInTheLossNamesStepMethodAndCheckpoint) {
  Pair method;
  TrainerStep step(method, settings());
  step.place({41, 0.1, {}, "runs/x/checkpoints/step-40"});
  const Error error = error_of([&] { step.minimize((method.a_ * std::nan("")).sum(), "first"); });
  EXPECT_EQ(error.kind(), ErrorKind::diverged);
  EXPECT_THAT(error.message(), HasSubstr("the loss of pair (group first) became nan at step 42"));
  EXPECT_THAT(error.hint(), HasSubstr("runs/x/checkpoints/step-40"));
}

TEST(Step, InfinityInTheGradientIsFoundInTheSameStep) {
  Pair method;
  TrainerStep step(method, settings());
  const auto loss = (method.a_ - 1).sqrt().sum();  // finite, but its slope is not
  EXPECT_THAT(error_of([&] { step.minimize(loss, "first"); }).message(), HasSubstr("the gradient of pair"));
}

TEST(Step, RefusesAnUnknownGroupAndALossWithoutGradient) {
  Pair method;
  TrainerStep step(method, settings());
  EXPECT_THAT(error_of([&] { step.minimize(method.a_.sum(), "frist"); }).hint(), HasSubstr("first"));
  EXPECT_EQ(error_of([&] { step.minimize(torch::ones({}), "first"); }).kind(), ErrorKind::failure);
}

TEST(Step, RefusesAParameterThatWouldNotBeSaved) {
  class Forgetful final : public Method {
   public:
    Needs needs() const override { return {}; }
    Groups groups() override { return {{"model", {torch::ones({2}).requires_grad_()}}}; }
    void learn(const Batch&, Step&) override {}
  };
  Forgetful method;
  EXPECT_THAT(error_of([&] { TrainerStep(method, settings()); }).message(), HasSubstr("not registered"));
}

TEST(Step, WaitsForAllMicroBatchesAndSavesWhatWaits) {
  Pair method, other;
  TrainerStep step(method, settings(2)), resumed(other, settings(2));
  step.place({0, 0.1, {}, ""});
  resumed.place({0, 0.1, {}, ""});
  step.minimize((method.a_ * 3).sum(), "first");
  EXPECT_TRUE(torch::equal(method.a_, torch::ones({2, 2})));
  TensorMap state, average;
  const Json counts = step.save(state, average);
  for (auto& entry : state) entry.second = entry.second.clone();
  resumed.load(state, average, counts);
  step.minimize((method.a_ * 5).sum(), "first");
  resumed.minimize((other.a_ * 5).sum(), "first");
  EXPECT_FLOAT_EQ(method.a_[0][0].item<float>(), 1 - 0.1F * 4 * 1.9F);  // mean gradient 4, Nesterov's first step
  EXPECT_TRUE(torch::equal(method.a_, other.a_));
}

TEST(Step, BackwardRunsOutsideAutocastAndForgetsOldCasts) {
  Pair method;
  TrainerStep step(method, settings());
  step.place({0, 0.5, {}, ""});
  const AutocastScope autocast(Precision::bf16);
  const auto x = torch::ones({2, 2});
  const auto before = x.mm(method.a_);
  EXPECT_EQ(before.scalar_type(), at::kBFloat16);
  step.minimize(before.to(at::kFloat).sum(), "first");
  EXPECT_TRUE(compat::autocast_enabled(at::kCPU));
  const auto after = x.mm(method.a_).to(at::kFloat);
  EXPECT_TRUE(torch::allclose(after, x.mm(method.a_.detach().to(at::kBFloat16)).to(at::kFloat)));
  EXPECT_FALSE(torch::allclose(after, before.to(at::kFloat)));
}

TEST(Step, PseudoLabelAccuracyCountsWhatWasKept) {
  Pair method;
  StepSettings all = settings();
  all.hidden_labels = {0, 1, 2, -1};
  TrainerStep step(method, all);
  step.place({0, 0.1, torch::tensor({0, 1, 2, 3}, at::kLong), ""});
  step.pseudo_labels(torch::tensor({0, 0, 2, 0}, at::kLong), torch::tensor({1., 1., 0., 1.}));
  const auto values = step.metrics().take();
  EXPECT_DOUBLE_EQ(values.at("pseudo_labels/kept"), 0.75);
  EXPECT_DOUBLE_EQ(values.at("pseudo_labels/accuracy"), 0.5);  // of the two kept and known
}

TEST(Step, MetricMeansSurviveASave) {
  MetricMeans means, resumed;
  means.add("x", 1. / 3);
  means.add("nan", std::nan(""));
  resumed.load(Json::parse(means.save().dump()));
  means.add("x", 0.1);
  resumed.add("x", 0.1);
  const auto expected = means.take(), got = resumed.take();
  EXPECT_EQ(got.at("x"), expected.at("x"));
  EXPECT_TRUE(std::isnan(got.at("nan")));
  EXPECT_TRUE(means.take().empty());
}

}  // namespace
}  // namespace fewlabel
