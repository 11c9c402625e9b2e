// The collapse monitor: it warns where a method lets its embeddings fall together, and nowhere else.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include "fewlabel/trainer.h"
#include "methods/common/embedding_losses.h"
#include "train/toy.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kToyShape;
using testing::toy_batches;
using testing::toy_options;

enum class Rest { attract_alone, repel_too };

/// Two noisy views of each example must agree. That alone is also true of a network that says the same of everything.
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
  Needs needs() const override { return {.labeled = {}, .unlabeled = {"contrast"}, .whole_batch = true}; }
  void learn(const Batch& batch, Step& step) override {
    const Tensor &x = batch.unlabeled.x.at(0), noise = torch::randn_like(x);
    const Tensor z1 = net_->forward(x + noise), z2 = net_->forward(x - noise);
    step.minimize(rest_ == Rest::repel_too ? nt_xent(z1, z2, 0.5) : -torch::cosine_similarity(z1, z2, 1).mean());
    step.embeddings(z1);
  }

 private:
  Rest rest_;
  torch::nn::Sequential net_;
};

struct Outcome {
  std::vector<std::string> warnings;
  std::vector<double> spread, rank;
};

Outcome train(Rest rest) {
  Outcome outcome;
  TrainerHooks hooks;
  hooks.on_warning = [&](const std::string& sentence) { outcome.warnings.push_back(sentence); };
  hooks.on_log = [&](const LogRecord& record) {
    outcome.spread.push_back(record.values.at("embedding/spread"));
    outcome.rank.push_back(record.values.at("embedding/rank"));
  };
  TwoViews method(rest);
  Trainer(method, toy_options(150), toy_batches(0, 64), hooks).run();
  return outcome;
}

TEST(CollapseMonitor, WarnsOnceAndSaysWhatToChangeWhenEmbeddingsFallTogether) {
  const Outcome outcome = train(Rest::attract_alone);
  EXPECT_GT(outcome.spread.front(), 0.1);
  EXPECT_LT(outcome.spread.back(), 0.1);
  ASSERT_THAT(outcome.warnings, ElementsAre(HasSubstr("the embeddings are collapsing (spread 0.0")));
  EXPECT_THAT(outcome.warnings[0], HasSubstr("optimizer.lr"));
}

TEST(CollapseMonitor, IsSilentWhereTheyStayApart) {
  const Outcome outcome = train(Rest::repel_too);
  EXPECT_THAT(outcome.warnings, ElementsAre());
  EXPECT_GT(outcome.spread.back(), 0.5);
  EXPECT_GT(outcome.rank.back(), 2.0);
}

}  // namespace
}  // namespace fewlabel
