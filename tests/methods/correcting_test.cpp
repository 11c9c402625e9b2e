// What sets each correcting method apart, in small cases that can be followed by hand. The net echoes its input, so the
// tests choose the logits.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include <cmath>

#include "fewlabel/error.h"
#include "helpers.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

struct CorrectingBench {
  explicit CorrectingBench(const std::string& name, const Json& config = Json::object())
      : net(std::make_shared<EchoNet>(3)),
        method(find_method(name).make(
            config, {.layout = ImageShape{8, 8, 1}, .classes = 3, .labeled = 1, .unlabeled = 4, .class_share = {}},
            net)) {}

  /// One update; the strong views are uniform, so each kept example costs log 3.
  RecordingStep learn(const std::vector<Tensor>& weak, double progress = 1.0) {
    const auto count = static_cast<int64_t>(weak.size());
    Batch batch;
    batch.labeled = {{sure(0, 0.9).unsqueeze(0)}, torch::zeros({1}, torch::kLong), torch::zeros({1}, torch::kLong)};
    batch.unlabeled = {
        {torch::stack(weak), torch::zeros({count, 3})}, torch::full({count}, -1, torch::kLong), torch::arange(count)};
    RecordingStep step;
    net->scale.mutable_grad().reset();
    method->learn(batch, step);
    method->updated(progress);
    return step;
  }

  std::shared_ptr<EchoNet> net;
  std::unique_ptr<Method> method;
};

using ::testing::ElementsAre;

TEST(FixMatch, IgnoresPredictionsBelowThreshold) {
  CorrectingBench bench("fixmatch");
  const auto step = bench.learn({sure(0, 0.96), sure(1, 0.94), sure(2, 0.99), sure(2, 0.5)});
  EXPECT_THAT(numbers(step.kept), ElementsAre(1, 0, 1, 0));
  EXPECT_NEAR(step.logged.at("loss/u"), 2.0 * std::log(3.0) / 4.0, 1e-5);  // the mean is over all, kept or not
  EXPECT_NEAR(step.losses.at(0), -std::log(0.9) + 2.0 * std::log(3.0) / 4.0, 1e-5);
}

TEST(FixMatch, LearnsNothingFromUncertainExamples) {
  CorrectingBench with("fixmatch"), without("fixmatch", {{"lambda_u", 0.0}});
  with.learn({sure(0, 0.5), sure(1, 0.6)});
  without.learn({sure(0, 0.5), sure(1, 0.6)});
  EXPECT_TRUE(torch::equal(with.net->scale.grad(), without.net->scale.grad()));
}

TEST(FixMatch, AlignmentMovesAFavouredClassDown) {
  CorrectingBench bench("fixmatch", {{"align", true}, {"align_decay", 0.0}});
  bench.learn({sure(0, 0.98), sure(0, 0.98), sure(0, 0.98), sure(0, 0.98)});
  const auto step = bench.learn({sure(0, 0.96), sure(1, 0.96)});
  EXPECT_THAT(numbers(step.kept), ElementsAre(0, 1));
}

TEST(FlexMatch, ThresholdFollowsTheExamplesAClassHasWon) {
  CorrectingBench bench("flexmatch", {{"tau", 0.9}});
  // Nobody has won anything: every threshold is 0.
  EXPECT_THAT(numbers(bench.learn({sure(0, 0.95), sure(0, 0.97), sure(1, 0.95), sure(2, 0.5)}).kept),
              ElementsAre(1, 1, 1, 1));
  // Won: class 0 two, class 1 one, class 2 none, nobody one → β = 1, 1/2, 0 → thresholds 0.9, 0.3, 0.
  const auto step = bench.learn({sure(0, 0.89), sure(1, 0.4), sure(2, 0.4), sure(0, 0.91)});
  EXPECT_THAT(numbers(step.kept), ElementsAre(0, 1, 1, 1));
  EXPECT_NEAR(step.logged.at("threshold/mean"), (0.9 + 0.3 + 0.0) / 3.0, 1e-6);
}

TEST(FlexMatch, ExamplesWonByNobodyHoldThresholdsDown) {
  const std::vector<Tensor> one_sure = {sure(0, 0.95), sure(1, 0.5), sure(1, 0.5), sure(2, 0.5)};
  CorrectingBench warm("flexmatch", {{"tau", 0.9}}), cold("flexmatch", {{"tau", 0.9}, {"thresh_warmup", false}});
  warm.learn(one_sure);
  cold.learn(one_sure);
  // β(0) is 1/3 with warm-up (three examples are nobody's) and 1 without.
  EXPECT_NEAR(warm.learn(one_sure).logged.at("threshold/mean"), 0.9 * (1.0 / 3) / (2.0 - 1.0 / 3) / 3.0, 1e-6);
  EXPECT_NEAR(cold.learn(one_sure).logged.at("threshold/mean"), 0.9 / 3.0, 1e-6);
}

TEST(FlexMatch, KeepsTheLastWinnerOfAnExampleThatTurnsUncertain) {
  CorrectingBench bench("flexmatch", {{"tau", 0.9}});
  bench.learn({sure(0, 0.95), sure(1, 0.95)});
  bench.learn({sure(2, 0.5), sure(1, 0.95)});
  const auto won = bench.method->named_buffers()["won_by"];
  EXPECT_TRUE(torch::equal(won, torch::tensor({0, 1, -1, -1}, torch::kLong)));
}

TEST(FreeMatch, StartsAtOneOverTheClassesAndFollowsTheConfidence) {
  CorrectingBench bench("freematch", {{"decay", 0.5}});
  const auto first = bench.learn({sure(0, 0.9), sure(1, 0.7)});
  EXPECT_NEAR(first.logged.at("threshold/min"), 1.0 / 3.0, 1e-6);
  EXPECT_THAT(numbers(first.kept), ElementsAre(1, 1));
  // τ = (1/3 + 0.8) / 2; p̃ = (1/3 + (0.9 + 0.15) / 2) / 2, (1/3 + (0.05 + 0.7) / 2) / 2, (1/3 + 0.1) / 2 …
  const double tau = (1.0 / 3 + 0.8) / 2, p0 = (1.0 / 3 + 0.525) / 2, p2 = (1.0 / 3 + 0.1) / 2;
  EXPECT_NEAR(bench.learn({sure(0, 0.9)}).logged.at("threshold/min"), tau * p2 / p0, 1e-6);
}

TEST(FreeMatch, FairnessIsZeroAndHarmlessWhenNothingIsKept) {
  CorrectingBench bench("freematch", {{"tau_min", 1.0}, {"lambda_f", 10.0}});
  const auto step = bench.learn({sure(0, 0.9), sure(1, 0.9)});
  EXPECT_THAT(numbers(step.kept), ElementsAre(0, 0));
  EXPECT_EQ(step.logged.at("loss/f"), 0.0);
  EXPECT_TRUE(bench.net->scale.grad().isfinite().all().item<bool>());
}

TEST(PseudoLabel, StartsWithTheLabelsAloneAndRampsUp) {
  CorrectingBench bench("pseudo_label", {{"start", 0.2}, {"full", 0.6}, {"lambda_u", 2.0}});
  const std::vector<Tensor> weak = {sure(0, 0.99), sure(1, 0.9)};
  const double supervised = -std::log(0.9), unlabeled = -std::log(0.99) / 2.0;
  EXPECT_NEAR(bench.learn(weak, 0.2).losses.at(0), supervised, 1e-5);
  EXPECT_NEAR(bench.learn(weak, 0.4).losses.at(0), supervised, 1e-5);
  EXPECT_NEAR(bench.learn(weak, 1.0).losses.at(0), supervised + 1.0 * unlabeled, 1e-5);
  EXPECT_NEAR(bench.learn(weak, 1.0).losses.at(0), supervised + 2.0 * unlabeled, 1e-5);
}

TEST(PseudoLabel, RefusesARampThatEndsBeforeItStarts) {
  EXPECT_EQ(error_of([] {
              CorrectingBench("pseudo_label", {{"start", 0.5}, {"full", 0.2}});
            }).kind(),
            ErrorKind::usage);
}

}  // namespace
}  // namespace fewlabel::testing
