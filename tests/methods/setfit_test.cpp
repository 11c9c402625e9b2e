// SetFit: its loss against an obvious oracle, and what it makes of a net that knows the classes but dimly.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/cancel.h"
#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "fewlabel/random.h"
#include "helpers.h"
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/net_tuner.h"

namespace fewlabel::testing {
namespace {

Tensor rows_of_numbers(const Json& rows) {
  std::vector<Tensor> parts;
  for (const auto& row : rows) parts.push_back(torch::tensor(row.get<std::vector<double>>(), torch::kDouble));
  return torch::stack(parts);
}

TEST(PairLoss, ProducesPyTorchValues) {
  std::ifstream file(std::string(FEWLABEL_GOLDEN) + "/setfit.json");
  const Json golden = Json::parse(file);
  for (const auto& test : golden.at("cases")) {
    const Tensor x = rows_of_numbers(test.at("x")).to(torch::kFloat).requires_grad_(true);
    const Tensor loss = pair_loss(unit_rows(x), torch::tensor(test.at("y").get<std::vector<int64_t>>(), torch::kLong));
    loss.backward();
    EXPECT_NEAR(loss.item<double>(), test.at("loss").get<double>(), 1e-6);
    EXPECT_LE((x.grad().to(torch::kDouble) - rows_of_numbers(test.at("gradient"))).abs().max().item<double>(), 1e-6);
  }
}

TEST(PairLoss, IsTheMeanOverPairsOfEitherKind) {
  torch::manual_seed(3);
  const Tensor z = unit_rows(torch::randn({7, 5})), y = torch::tensor({0, 0, 1, 2, 1, 0, 2}, torch::kLong);
  double pull = 0, push = 0;
  int alike = 0, other = 0;
  for (int64_t i = 0; i < 7; ++i)
    for (int64_t j = 0; j < i; ++j) {
      const double cosine = (z[i] * z[j]).sum().item<double>();
      if (y[i].item<int64_t>() == y[j].item<int64_t>())
        pull += (1 - cosine) * (1 - cosine), ++alike;
      else
        push += cosine * cosine, ++other;
    }
  EXPECT_NEAR(pair_loss(z, y).item<double>(), (pull / alike + push / other) / 2, 1e-6);
}

TEST(PairLoss, AKindOfPairsThatThereIsNoneOfCountsNothing) {
  const Tensor z = unit_rows(torch::tensor({{1.F, 0.F}, {1.F, 0.F}, {0.F, 1.F}}));
  EXPECT_NEAR(pair_loss(z, torch::tensor({0, 0, 0}, torch::kLong)).item<double>(), (0.0 + 1 + 1) / 3 / 2, 1e-6);
  EXPECT_NEAR(pair_loss(z, torch::tensor({0, 1, 2}, torch::kLong)).item<double>(), (1.0 + 0 + 0) / 3 / 2, 1e-6);
  EXPECT_EQ(pair_loss(z.slice(0, 0, 1), torch::tensor({0}, torch::kLong)).item<double>(), 0);
}

TEST(PairLoss, IsLeastWhereClassesStandAtRightAngles) {
  const Tensor y = torch::tensor({0, 1, 0, 1}, torch::kLong);
  EXPECT_NEAR(pair_loss(torch::eye(2).index_select(0, y), y).item<double>(), 0, 1e-7);
  EXPECT_GT(pair_loss(torch::ones({4, 1}), y).item<double>(), 0.4);
}

/// Everything that a net remembers.
std::map<std::string, Tensor> state_of(const NetModule& net) {
  std::map<std::string, Tensor> state;
  for (const auto& named : net.named_parameters()) state[named.key()] = named.value().detach().clone();
  for (const auto& named : net.named_buffers()) state[named.key()] = named.value().clone();
  return state;
}

constexpr int64_t kClasses = 3, kColumns = 12, kKnown = 2 * kClasses, kPool = 300;

/// Classes apart in a direction each, under noise that is louder in others.
Tensor rows_of(std::string_view purpose, int64_t count) {
  Random random({.seed = 5, .purpose = purpose});
  Tensor x = torch::empty({count, kColumns});
  for (int64_t i = 0; i < x.numel(); ++i) x.data_ptr<float>()[i] = static_cast<float>(random.normal());
  x.slice(1, 0, kClasses).mul_(0.5).add_(3 * torch::one_hot(torch::arange(count).remainder(kClasses), kClasses));
  x.slice(1, kClasses, 2 * kClasses).mul_(2);
  return x;
}
Tensor labels_of(int64_t count) { return torch::arange(count).remainder(kClasses); }

struct PairsToy {
  Tensor labeled = rows_of("labeled", kKnown), unlabeled = rows_of("unlabeled", kPool), test = rows_of("test", 300);
  Net net;
  std::unique_ptr<Method> method;

  explicit PairsToy(const Json& config, int64_t unlabelled = kPool) {
    torch::set_num_threads(1);
    unlabeled = unlabeled.slice(0, 0, unlabelled);
    NetConfig plan;
    plan.name = "mlp";
    plan.head = "unit";
    const Layout layout{Kind::table, Layout::Type::f32, {static_cast<int32_t>(kColumns)}};
    net = make_net(plan, layout, kClasses, 3);
    method = find_method("setfit").make(config,
                                        {.layout = layout,
                                         .classes = kClasses,
                                         .labeled = kKnown,
                                         .unlabeled = unlabelled,
                                         .class_share = std::vector<double>(kClasses, 1.0 / kClasses),
                                         .seed = 4},
                                        net);
  }
  void look() {
    const Tensor all = torch::cat({labeled, unlabeled});
    dynamic_cast<NetTuner&>(*method).look_at(
        [all](const std::vector<int64_t>& places) { return all.index_select(0, torch::tensor(places, torch::kLong)); });
  }
  void fit() {
    FeaturePools pools;
    {
      const torch::NoGradGuard no_gradient;
      net->eval();
      pools = {net->features(labeled), labels_of(kKnown), net->features(unlabeled)};
    }
    dynamic_cast<HeadLearner&>(*method).fit(pools);
  }
  double accuracy() {
    const torch::NoGradGuard no_gradient;
    net->eval();
    return net->forward(test).argmax(1).eq(labels_of(300)).to(torch::kDouble).mean().item<double>();
  }
};

TEST(SetFit, LearnsTheToyAndTheStudentMoreThanTheTeacher) {
  PairsToy alone(Json{{"student", false}, {"tuning_rate", 1e-3}}), both(Json{{"tuning_rate", 1e-3}});
  EXPECT_LE(both.accuracy(), 0.6);  // untrained
  alone.look(), alone.fit();
  both.look(), both.fit();
  EXPECT_GE(both.accuracy(), 0.9);
  EXPECT_GT(both.accuracy(), alone.accuracy());
  EXPECT_NE(dynamic_cast<HeadLearner&>(*both.method).sentence().find("unlabelled examples"), std::string::npos);
  EXPECT_TRUE(dynamic_cast<HeadLearner&>(*alone.method).sentence().empty());
}

TEST(SetFit, SamePoolsGiveTheSameBits) {
  PairsToy a(Json::object()), b(Json::object());
  a.look(), b.look();
  torch::manual_seed(1);
  a.fit();
  torch::manual_seed(2);
  b.fit();
  const auto left = state_of(*a.net), right = state_of(*b.net);
  for (const auto& [name, value] : left) EXPECT_TRUE(torch::equal(value, right.at(name))) << name;
}

TEST(SetFit, ChangesTheNetAndLeavesNoGradient) {
  PairsToy toy(Json::object());
  const auto before = state_of(*toy.net);
  toy.look(), toy.fit();
  bool moved = false;
  for (const auto& [name, value] : state_of(*toy.net))
    moved = moved || (!name.starts_with("head.") && !torch::equal(value, before.at(name)));
  EXPECT_TRUE(moved);
  for (const Tensor& parameter : toy.net->parameters()) EXPECT_FALSE(parameter.grad().defined());
}

TEST(SetFit, NeedsNoUnlabelledExamples) {
  PairsToy toy(Json{{"tuning_rate", 1e-3}}, 0);
  toy.look(), toy.fit();
  EXPECT_GE(toy.accuracy(), 0.5);
}

TEST(SetFit, StopsWhenItIsAskedToAndRefusesFeaturesAlone) {
  PairsToy toy(Json::object());
  EXPECT_EQ(error_of([&] { toy.fit(); }).kind(), ErrorKind::failure);
  toy.look();
  request_cancel(ErrorKind::terminated);
  EXPECT_EQ(error_of([&] { toy.fit(); }).kind(), ErrorKind::terminated);
  clear_cancel();
}

}  // namespace
}  // namespace fewlabel::testing
