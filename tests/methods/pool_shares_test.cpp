// The shares of the unlabelled pool: learnt where the labels-only head sees them, the labels' where it does not.
#include "methods/common/pool_shares.h"

#include <torch/torch.h>

#include <cmath>

#include "helpers.h"
#include "methods/common/align.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

constexpr int64_t kClasses = 3, kFeatures = 4;

Task task_of(int64_t labeled, std::vector<double> share = {1.0 / 3, 1.0 / 3, 1.0 / 3}) {
  return {.layout = ImageShape{8, 8, 1},
          .classes = kClasses,
          .labeled = labeled,
          .unlabeled = 300,
          .class_share = std::move(share),
          .steps = 400};
}

/// Examples of classes drawn with these shares: a centre a class under noise that confuses about one in ten.
struct Drawn {
  Tensor features, label;
};
Drawn draw(const std::vector<double>& shares, int64_t count, double noise = 0.75) {
  const Tensor label = torch::multinomial(torch::tensor(shares), count, true);
  Tensor features = torch::zeros({count, kFeatures});
  features.scatter_(1, label.unsqueeze(1), 2.0);
  return {features + noise * torch::randn({count, kFeatures}), label};
}

class Bench {
 public:
  explicit Bench(const Task& task, const std::string& align_to = "learnt")
      : shares(PoolSharesConfig{align_to, 0.98}, task, kFeatures) {}
  /// Updates against a pool of these shares; pseudo-labels are the truth, a part of them wrong.
  void run(const std::vector<double>& pool, int64_t updates, double wrong = 0.0) {
    for (int64_t t = 0; t < updates; ++t) {
      torch::manual_seed(static_cast<uint64_t>(t));
      const Drawn labeled = draw({1, 1, 1}, 24), unlabeled = draw(pool, 64);
      const Tensor flip = torch::rand({64}).lt(wrong).to(torch::kLong);
      pseudo_label = (unlabeled.label + flip).remainder(kClasses);
      truth = unlabeled.label;
      weight =
          shares->weigh({{labeled.features, unlabeled.features}, labeled.label, pseudo_label, torch::ones({64})}, step);
      shares->updated();
    }
  }
  double distance(const std::vector<double>& from) const {
    return (shares->value() - torch::tensor(from)).abs().sum().item<double>() / 2;
  }
  double trust() const { return step.logged.at("unlabeled/trust"); }
  PoolShares shares;
  RecordingStep step;
  Tensor pseudo_label, truth, weight;  // of the last update
};

const std::vector<double> kEven = {1.0 / 3, 1.0 / 3, 1.0 / 3}, kSteep = {0.8, 0.15, 0.05};

TEST(PoolShares, AreLearntWhereThePoolIsUnequal) {
  Bench bench(task_of(90));
  EXPECT_NEAR(bench.distance(kEven), 0.0, 1e-6);
  bench.run(kSteep, 300);
  EXPECT_LT(bench.distance(kSteep), 0.1);
  EXPECT_NEAR(bench.shares->value().sum().item<double>(), 1.0, 1e-5);
}

TEST(PoolShares, StayTheLabelsWhereThePoolIsLikeThem) {
  Bench bench(task_of(90));
  bench.run(kEven, 300);
  EXPECT_NEAR(bench.distance(kEven), 0.0, 1e-6);
}

TEST(PoolShares, FewLabelsAreBelievedLess) {
  const std::vector<double> gentle = {0.45, 0.33, 0.22};
  Bench few(task_of(9)), many(task_of(900));
  few.run(gentle, 300);
  many.run(gentle, 300);
  EXPECT_NEAR(few.distance(kEven), 0.0, 1e-6);
  EXPECT_GT(many.distance(kEven), 0.05);
}

TEST(PoolShares, StartFromUnequalLabelsAndFollowThePoolBack) {
  Bench bench(task_of(90, kSteep));
  EXPECT_NEAR(bench.distance(kSteep), 0.0, 1e-6);
  bench.run(kEven, 300);
  EXPECT_GT(bench.distance(kSteep), 0.2);
}

TEST(PoolShares, AreBounded) {
  Bench bench(task_of(1 << 20));
  bench.run({1.0, 0.0, 0.0}, 600);
  EXPECT_GT(bench.shares->value().min().item<double>(), 1.0 / 3 / 51);
}

TEST(PoolShares, SaidByTheUserAreNotLearnt) {
  Task task = task_of(90);
  task.pool_share = {0.5, 0.3, 0.2};
  for (const std::string align_to : {"labels", "learnt"}) {
    Bench bench(task, align_to);
    bench.run(kSteep, 10);
    EXPECT_NEAR(bench.distance({0.5, 0.3, 0.2}), 0.0, 1e-6);
    EXPECT_TRUE(bench.step.logged.empty());
    EXPECT_NEAR(bench.shares->adjusted(torch::zeros({1, 3}))[0][0].item<double>(), std::log(1.5), 1e-5);
  }
}

TEST(PoolShares, OfTheLabelsChangeNothing) {
  Bench bench(task_of(90, kSteep), "labels");
  const Tensor logits = torch::randn({4, 3});
  EXPECT_TRUE(torch::equal(bench.shares->adjusted(logits), logits));
  EXPECT_TRUE(torch::equal(bench.shares->ratio(), torch::ones({3})));
  bench.run(kEven, 1, 1.0);
  EXPECT_TRUE(torch::equal(bench.weight, torch::ones({64})));
  EXPECT_TRUE(bench.step.logged.empty());
}

TEST(PoolShares, TrustFallsWhereThePseudoLabelsContradictTheLabels) {
  Bench right(task_of(90)), wrong(task_of(90));
  right.run(kEven, 200);
  EXPECT_EQ(right.trust(), 1.0);
  EXPECT_TRUE(torch::equal(right.weight, torch::ones({64})));  // a few contradict, and nothing is wrong as a whole
  wrong.run(kEven, 200, 0.5);
  EXPECT_LT(wrong.trust(), 0.7);
  wrong.run(kEven, 200, 1.0);
  EXPECT_NEAR(wrong.trust(), 0.1, 1e-6);
  wrong.run(kEven, 200);
  EXPECT_EQ(wrong.trust(), 1.0);
}

TEST(PoolShares, WhereTheyMovedAPseudoLabelThatContradictsCountsForNothing) {
  Bench bench(task_of(90));
  bench.run(kSteep, 300, 0.2);
  const Tensor wrong = bench.pseudo_label.ne(bench.truth).to(torch::kFloat);
  EXPECT_LT((bench.weight * wrong).sum().item<double>(), 0.4 * wrong.sum().item<double>());
  EXPECT_GT((bench.weight * (1 - wrong)).sum().item<double>(), 0.8 * (1 - wrong).sum().item<double>());
}

TEST(PoolShares, MicroBatchesMoveThemOnce) {
  Bench whole(task_of(90)), split(task_of(90));
  const Drawn x = draw(kEven, 8), u = draw(kSteep, 16);
  const auto learn = [](Bench& bench, const Drawn& labeled, const Drawn& pool) {
    bench.shares->weigh({{labeled.features, pool.features}, labeled.label, pool.label, torch::ones(pool.label.sizes())},
                        bench.step);
  };
  const auto part = [](const Drawn& all, int64_t from, int64_t to) {
    return Drawn{all.features.slice(0, from, to), all.label.slice(0, from, to)};
  };
  for (int t = 0; t < 3; ++t) {
    learn(whole, x, u);
    learn(split, part(x, 0, 4), part(u, 0, 8));
    learn(split, part(x, 4, 8), part(u, 8, 16));
    whole.shares->updated();
    split.shares->updated();
  }
  EXPECT_TRUE(torch::allclose(whole.shares->value(), split.shares->value()));
}

TEST(PoolShares, GoOnFromTheirSavedState) {
  Bench whole(task_of(90)), first(task_of(90)), second(task_of(90));
  whole.run(kSteep, 40);
  first.run(kSteep, 40);
  {
    const torch::NoGradGuard no_grad;
    const auto state = state_of(*first.shares);
    for (auto& item : second.shares->named_buffers()) item.value().copy_(state.at(item.key()));
  }
  whole.run(kSteep, 20, 0.4);
  second.run(kSteep, 20, 0.4);
  for (const auto& [name, value] : state_of(*whole.shares))
    EXPECT_TRUE(torch::equal(value, state_of(*second.shares).at(name))) << name;
}

TEST(Alignment, AimsAtTheLearntShares) {
  ConsistencyConfig config;
  config.align = true;
  config.align_to = "learnt";
  config.align_decay = 0.98;
  Alignment align(config, task_of(90), kFeatures);
  const Tensor flat = torch::full({64, 3}, 1.0 / 3);
  RecordingStep step;
  for (int64_t t = 0; t < 300; ++t) {
    torch::manual_seed(static_cast<uint64_t>(t));
    const Drawn labeled = draw(kEven, 24), pool = draw(kSteep, 64);
    align->weigh({{labeled.features, pool.features}, labeled.label, pool.label, torch::ones({64})}, step);
    align->forward(flat);
    align->updated();
  }
  // An example that the model knows nothing of is as likely of each class as the pool's are.
  EXPECT_GT(align->forward(flat)[0][0].item<double>(), 0.7);
  EXPECT_GT(step.logged.at("shares/most"), 0.7);
}

TEST(Alignment, OfEqualClassesIsToTheBitThatWithTheLabelsShares) {
  int methods = 0;
  for (const MethodInfo& info : all_methods()) {
    Json config = info.short_settings.value("method", Json::object());
    if (config.value("align_to", "") != "learnt") continue;
    SCOPED_TRACE(info.name);
    const auto learnt = info.make(config, Toy::task(), Toy::net());
    config["align_to"] = "labels";
    const auto labels = info.make(config, Toy::task(), Toy::net());
    for (Method* method : {learnt.get(), labels.get()}) ToyTrainer(*method, ToyRule::of(info)).run(0, 10, 150);
    const auto same = learnt->named_parameters();
    for (const auto& item : labels->named_parameters())
      EXPECT_TRUE(torch::equal(item.value(), *same.find(item.key()))) << item.key();
    ++methods;
  }
  EXPECT_EQ(methods, 7);
}

}  // namespace
}  // namespace fewlabel::testing
