// The trust monitor: it says once that the unlabelled examples are weakened, and only where that lasts.
#include "train/trust.h"

#include <gmock/gmock.h>

#include "fewlabel/method.h"
#include "fewlabel/trainer.h"
#include "train/toy.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using testing::kToyShape;
using testing::toy_batches;
using testing::toy_options;

TEST(TrustMonitor, WarnsOnceWhereTrustStaysLow) {
  TrustMonitor monitor(2000);
  EXPECT_FALSE(monitor.read(450, 0.5));
  EXPECT_FALSE(monitor.read(500, 0.5));
  const auto warning = monitor.read(550, 0.25);
  ASSERT_TRUE(warning);
  EXPECT_THAT(*warning, HasSubstr("25 % of their weight at step 550"));
  EXPECT_FALSE(monitor.read(600, 0.25));
}

TEST(TrustMonitor, WaitsUntilTheRunHasBegunAndForgetsADip) {
  TrustMonitor monitor(2000);
  for (const int64_t step : {50, 100, 200, 300, 399}) EXPECT_FALSE(monitor.read(step, 0.1));
  EXPECT_FALSE(monitor.read(450, 0.1));
  EXPECT_FALSE(monitor.read(500, 0.1));
  EXPECT_FALSE(monitor.read(550, 1.0));
  EXPECT_FALSE(monitor.read(600, 0.1));
  EXPECT_FALSE(monitor.read(650, 0.1));
  EXPECT_TRUE(monitor.read(700, 0.1));
}

/// A method that trusts its pseudo-labels so much.
class Doubtful final : public Method {
 public:
  explicit Doubtful(double trust) : trust_(trust) { register_module("net", net_); }
  Needs needs() const override { return {.labeled = {"weak"}, .unlabeled = {}}; }
  void learn(const Batch& batch, Step& step) override {
    step.minimize(net_->forward(batch.labeled.x.at(0).flatten(1)).square().mean());
    step.log({{"unlabeled/trust", torch::full({}, trust_)}});
  }

 private:
  double trust_;
  torch::nn::Linear net_{kToyShape.bytes(), 2};
};

std::vector<std::string> warnings_of(double trust) {
  std::vector<std::string> warnings;
  TrainerHooks hooks;
  hooks.on_warning = [&](const std::string& sentence) { warnings.push_back(sentence); };
  Doubtful method(trust);
  Trainer(method, toy_options(400), toy_batches(16, 0), hooks).run();
  return warnings;
}

TEST(TrustMonitor, IsAskedByTheTrainer) {
  EXPECT_TRUE(warnings_of(1.0).empty());
  ASSERT_EQ(warnings_of(0.3).size(), 1U);
  EXPECT_THAT(warnings_of(0.3).front(), HasSubstr("contradict what the labels say"));
}

}  // namespace
}  // namespace fewlabel
