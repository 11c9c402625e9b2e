// The collapse monitor: it warns where a method lets its embeddings fall together, and nowhere else.
#include "train/collapse.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include <cmath>

#include "fewlabel/trainer.h"
#include "methods/common/embedding_losses.h"
#include "train/toy.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kToyShape;
using ::testing::Not;
using testing::toy_batches;
using testing::toy_options;

enum class Rest { attract_alone, repel_too, one_direction };

/// Two noisy views of each example must agree. That alone is also true of a network that says the same of everything;
/// or it may say only how much of one thing there is.
class TwoViews final : public Method {
 public:
  explicit TwoViews(Rest rest) : rest_(rest) {
    torch::manual_seed(1);
    net_->push_back(torch::nn::Flatten());
    net_->push_back(torch::nn::Linear(kToyShape.bytes(), 32));
    net_->push_back(torch::nn::ReLU());
    net_->push_back(torch::nn::Linear(32, 16));
    register_module("net", net_);
  }
  Needs needs() const override { return {.labeled = {}, .unlabeled = {"contrast", "contrast"}, .whole_batch = true}; }
  void learn(const Batch& batch, Step& step) override {
    const Tensor &x = batch.unlabeled.x.at(0), noise = torch::randn_like(x);
    const Tensor z1 = net_->forward(x + noise), z2 = net_->forward(x - noise);
    step.minimize(rest_ == Rest::attract_alone ? -torch::cosine_similarity(z1, z2, 1).mean() : nt_xent(z1, z2, 0.5));
    const Tensor centred = z1 - z1.mean(0);
    step.embeddings(rest_ == Rest::one_direction ? centred.slice(1, 0, 1) * torch::ones({1, 64}) : z1);
  }

 private:
  Rest rest_;
  torch::nn::Sequential net_;
};

struct Outcome {
  std::vector<std::string> warnings;
  std::vector<double> spread, rank;
};

Outcome train(Rest rest, int64_t steps = 400) {
  Outcome outcome;
  TrainerHooks hooks;
  hooks.on_warning = [&](const std::string& sentence) { outcome.warnings.push_back(sentence); };
  hooks.on_log = [&](const LogRecord& record) {
    outcome.spread.push_back(record.values.at("embedding/spread"));
    outcome.rank.push_back(record.values.at("embedding/rank"));
  };
  TwoViews method(rest);
  Trainer(method, toy_options(steps), toy_batches(0, 64), hooks).run();
  return outcome;
}

TEST(CollapseMonitor, WarnsOnceAndSaysWhatToChangeWhenEmbeddingsFallTogether) {
  const Outcome outcome = train(Rest::attract_alone);
  EXPECT_GT(outcome.spread.front(), 0.1);
  EXPECT_LT(outcome.spread.back(), 0.1);
  ASSERT_THAT(outcome.warnings, ElementsAre(HasSubstr("the embeddings are collapsing (spread 0.0")));
  EXPECT_THAT(outcome.warnings[0], HasSubstr("optimizer.lr"));
  EXPECT_THAT(outcome.warnings[0], HasSubstr("augment.contrast"));
}

TEST(CollapseMonitor, WarnsWhenEmbeddingsAreSpreadAlongALineAlone) {
  const Outcome outcome = train(Rest::one_direction);
  EXPECT_GT(outcome.spread.back(), 0.5);
  EXPECT_LT(outcome.rank.back(), 1.1);
  EXPECT_THAT(outcome.warnings, ElementsAre(HasSubstr("rank 1.0 of 64 directions")));
}

TEST(CollapseMonitor, IsSilentWhereTheyStayApart) {
  const Outcome outcome = train(Rest::repel_too);
  EXPECT_THAT(outcome.warnings, ElementsAre());
  EXPECT_GT(outcome.spread.back(), 0.5);
  EXPECT_GT(train(Rest::repel_too, 150).rank.back(), 2.0);
}

const Needs kImages{.labeled = {}, .unlabeled = {"none"}},
    kLabels{.labeled = {"weak"}, .unlabeled = {"weak", "strong"}};

struct Reading {
  int64_t step;
  double spread, rank;
};

/// What the monitor says to a run that was recorded.
std::vector<std::string> warnings_of(const std::vector<Reading>& run, int64_t steps, const Needs& needs,
                                     int64_t directions) {
  CollapseMonitor monitor(needs, steps, /*warmup=*/0.0);
  std::vector<std::string> warnings;
  for (const auto& [step, spread, rank] : run)
    if (const auto warning = monitor.read({step, spread, rank, directions})) warnings.push_back(*warning);
  return warnings;
}

/// The same values every 50 updates.
std::vector<Reading> steady(double spread, double rank, int64_t steps) {
  std::vector<Reading> run;
  for (int64_t step = 50; step <= steps; step += 50) run.push_back({step, spread, rank});
  return run;
}

TEST(CollapseMonitor, IsSilentWhereTheyAreCloseAtFirstAndComeApart) {
  // mae on Fashion-MNIST, patches of 4: the starts of a run and of a first look at it.
  const std::vector<Reading> run = {{50, 0.209, 5.32},  {100, 0.071, 5.86}, {150, 0.175, 2.71},
                                    {200, 0.538, 2.35}, {250, 0.683, 3.32}, {300, 0.699, 4.07},
                                    {350, 0.738, 5.3},  {400, 0.785, 5.83}, {450, 0.827, 7.7}};
  for (const int64_t steps : {500, 1470, 5000}) EXPECT_THAT(warnings_of(run, steps, kImages, 128), ElementsAre());
  const std::vector<Reading> look = {{20, 0.237, 4.75}, {40, 0.056, 6.23},  {60, 0.051, 5.72},
                                     {80, 0.051, 5.84}, {100, 0.049, 6.27}, {120, 0.052, 5.38}};
  EXPECT_THAT(warnings_of(look, 120, kImages, 128), ElementsAre());
  // Low for long, but on the way up.
  std::vector<Reading> slow;
  for (int64_t step = 200; step <= 600; step += 50)
    slow.push_back({step, 0.03 * std::pow(1.35, static_cast<double>(step - 200) / 50), 20});
  EXPECT_THAT(warnings_of(slow, 1000, kImages, 128), ElementsAre());
}

TEST(CollapseMonitor, TellsAPointFromADipOfOneReading) {
  std::vector<Reading> dip = steady(0.9, 20, 1000);
  dip[12].spread = 0.02;
  EXPECT_THAT(warnings_of(dip, 1000, kImages, 128), ElementsAre());
  const auto warnings = warnings_of(steady(0.0, 64, 1000), 1000, kImages, 128);
  ASSERT_THAT(warnings, ElementsAre(HasSubstr("spread 0.000")));
  EXPECT_THAT(warnings[0], HasSubstr("at step 300"));
  EXPECT_THAT(warnings[0], Not(HasSubstr("augment")));  // it compares no views
}

TEST(CollapseMonitor, JudgesRankByTheDirectionsThereAre) {
  EXPECT_THAT(warnings_of(steady(0.5, 2.3, 1000), 1000, kImages, 64), ElementsAre(HasSubstr("rank 2.3 of 64")));
  EXPECT_THAT(warnings_of(steady(0.97, 3.2, 1000), 1000, kImages, 256), ElementsAre());
  EXPECT_THAT(warnings_of(steady(0.4, 1.5, 1000), 1000, kImages, 8), ElementsAre());    // a code of eight numbers
  EXPECT_THAT(warnings_of(steady(0.9, 1.0, 1000), 1000, kLabels, 128), ElementsAre());  // two classes
}

}  // namespace
}  // namespace fewlabel
