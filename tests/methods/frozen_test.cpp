// The methods that learn a head of frozen features against the values of scripts/golden/frozen.py (numpy and
// scikit-learn, written from the papers apart from this code), and what they are made of against dense and obvious
// oracles.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <vector>

#include "fewlabel/method.h"
#include "methods/common/linear_head.h"
#include "methods/common/neighbours.h"

namespace fewlabel::testing {
namespace {

Tensor doubles(const Json& rows) {
  std::vector<Tensor> parts;
  for (const auto& row : rows) parts.push_back(torch::tensor(row.get<std::vector<double>>(), torch::kDouble));
  return torch::stack(parts);
}

Json golden_of(const std::string& method) {
  std::ifstream file(std::string(FEWLABEL_GOLDEN) + "/" + method + ".json");
  return Json::parse(file);
}

double farthest(const Tensor& a, const Tensor& b) {
  return (a.to(torch::kDouble) - b.to(torch::kDouble)).abs().max().item<double>();
}

class FrozenGolden : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Methods, FrozenGolden,
                         ::testing::Values("logistic", "class_means", "label_propagation", "self_training",
                                           "gaussian_mixture", "best_head"),
                         [](const auto& info) { return info.param; });

TEST_P(FrozenGolden, ProducesTheValuesOfNumpy) {
  const Json golden = golden_of(GetParam());
  for (const auto& group : golden.at("groups")) {
    const FeaturePools pools{.labeled = doubles(group.at("labeled")).to(torch::kFloat),
                             .y = torch::tensor(group.at("y").get<std::vector<int64_t>>(), torch::kLong),
                             .unlabeled = doubles(group.at("unlabeled")).to(torch::kFloat)};
    const Layout layout{Kind::table, Layout::Type::f32, {static_cast<int32_t>(pools.labeled.size(1))}};
    const int64_t classes = group.at("classes");
    const Task task{
        .layout = layout,
        .classes = classes,
        .labeled = pools.labeled.size(0),
        .unlabeled = pools.unlabeled.size(0),
        .class_share = std::vector<double>(static_cast<std::size_t>(classes), 1.0 / static_cast<double>(classes)),
        .pool_share = group.value("pool_share", std::vector<double>())};
    for (const auto& test : group.at("cases")) {
      SCOPED_TRACE(test.at("config").dump() + " with a head that is " + test.at("head").get<std::string>());
      NetConfig config;
      config.name = "linear";
      config.head = test.at("head");
      const Net net = make_net(config, layout, classes, 1);
      const auto method = find_method(GetParam()).make(test.at("config"), task, net);
      auto& learner = dynamic_cast<HeadLearner&>(*method);
      learner.fit(pools);
      const torch::NoGradGuard no_grad;
      const Tensor logits = net->forward(doubles(group.at("test")).to(torch::kFloat));
      EXPECT_LE(farthest(logits, doubles(test.at("logits"))), 1e-3) << logits << doubles(test.at("logits"));
      if (test.contains("takes")) {
        const std::string said = "best_head takes " + test.at("takes").get<std::string>() + ":";
        EXPECT_TRUE(learner.sentence().starts_with(said)) << learner.sentence();
      }
    }
  }
}

TEST(BestHead, JudgesByAPartOfTheUnlabelledAndLearnsFromAll) {
  const Json group = golden_of("logistic").at("groups").at(0);
  const FeaturePools pools{.labeled = doubles(group.at("labeled")).to(torch::kFloat),
                           .y = torch::tensor(group.at("y").get<std::vector<int64_t>>(), torch::kLong),
                           .unlabeled = doubles(group.at("unlabeled")).to(torch::kFloat)};
  const Layout layout{Kind::table, Layout::Type::f32, {static_cast<int32_t>(pools.labeled.size(1))}};
  const Task task{.layout = layout,
                  .classes = 3,
                  .labeled = pools.labeled.size(0),
                  .unlabeled = pools.unlabeled.size(0),
                  .class_share = {1.0 / 3, 1.0 / 3, 1.0 / 3}};
  for (const int64_t most : {0, 7, 59}) {
    NetConfig config;
    config.name = "linear";
    config.head = "unit";
    const Net net = make_net(config, layout, task.classes, 1);
    const auto method = find_method("best_head").make(Json{{"most", most}, {"rounds", 2}}, task, net);
    dynamic_cast<HeadLearner&>(*method).fit(pools);
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(net->forward(pools.unlabeled).isfinite().all().item<bool>()) << most;
    const Tensor all = torch::cat({pools.labeled, pools.unlabeled});
    EXPECT_LE(farthest(net->named_buffers()["head.mean"], all.mean(0)), 1e-4) << most;
  }
}

TEST(BestHead, GoesHalfWayToEqualSharesUnlessThePoolSpeaksAgainstThem) {
  constexpr int64_t kClasses = 3;
  const Layout layout{Kind::table, Layout::Type::f32, {kClasses}};
  const auto taken = [&](const std::vector<int64_t>& pool) {
    std::vector<int64_t> label;
    for (int64_t c = 0; c < kClasses; ++c)
      label.insert(label.end(), static_cast<std::size_t>(pool[static_cast<std::size_t>(c)]), c);
    torch::manual_seed(5);
    const Tensor x = 4 * torch::one_hot(torch::tensor(label, torch::kLong), kClasses);
    const FeaturePools pools{.labeled = 4 * torch::eye(kClasses),
                             .y = torch::arange(kClasses),
                             .unlabeled = x + 0.3 * torch::randn({x.size(0), kClasses})};
    const Task task{.layout = layout,
                    .classes = kClasses,
                    .labeled = kClasses,
                    .unlabeled = x.size(0),
                    .class_share = {1.0 / 3, 1.0 / 3, 1.0 / 3}};
    NetConfig config;
    config.name = "linear";
    config.head = "unit";
    const auto method = find_method("best_head").make(Json::object(), task, make_net(config, layout, kClasses, 1));
    dynamic_cast<HeadLearner&>(*method).fit(pools);
    return dynamic_cast<HeadLearner&>(*method).sentence();
  };
  EXPECT_TRUE(taken({100, 100, 100}).starts_with("best_head takes self-training, half way to equal shares:"));
  EXPECT_TRUE(taken({5, 145, 150}).starts_with("best_head takes self-training:"));
}

TEST(FitLogistic, LearnsSoftTargetsByTheirWeights) {
  const Json golden = golden_of("logistic");
  for (const auto& test : golden.at("regressions")) {
    const SoftLabels labels{.x = doubles(test.at("x")),
                            .target = doubles(test.at("target")),
                            .weight = torch::tensor(test.at("weight").get<std::vector<double>>(), torch::kDouble)};
    const LinearHead head = fit_logistic(labels, test.at("c"));
    EXPECT_LE(farthest(head.logits(labels.x), doubles(test.at("logits"))), 1e-3) << test.at("c");
    const LinearHead elsewhere{torch::ones_like(head.weight), torch::full_like(head.bias, -2)};
    const LinearHead again = fit_logistic(labels, test.at("c"), {.start = &elsewhere});
    // What all classes have in common cannot be told.
    EXPECT_LE(farthest(again.logits(labels.x).log_softmax(1), head.logits(labels.x).log_softmax(1)), 1e-3);
    EXPECT_EQ(elsewhere.weight.min().item<double>(), 1.0);  // stays what it was
  }
}

TEST(FitLogistic, CountsAnExampleThreeTimesLikeThreeOfThem) {
  torch::manual_seed(1);
  const Tensor x = torch::randn({6, 3}, torch::kDouble), y = label_rows(torch::tensor({0, 1, 2, 1, 0, 2}), 3);
  const Tensor weight = torch::tensor({1.0, 3.0, 1.0, 0.0, 2.0, 1.0}, torch::kDouble);
  const Tensor repeated = torch::tensor({0, 1, 1, 1, 2, 4, 4, 5}, torch::kLong);
  const LinearHead counted = fit_logistic({x, y, weight}, 1.0);
  const LinearHead listed =
      fit_logistic({x.index_select(0, repeated), y.index_select(0, repeated), torch::ones({8}, torch::kDouble)}, 1.0);
  EXPECT_LE(farthest(counted.logits(x), listed.logits(x)), 1e-6);
}

TEST(FitLogistic, EndsWhereTheSlopeIsGone) {
  torch::manual_seed(2);
  const Tensor x = 5 * torch::randn({40, 12}, torch::kDouble);
  const Tensor y = label_rows(torch::randint(0, 4, {40}, torch::kLong), 4), one = torch::ones({40}, torch::kDouble);
  const double c = 2.0;
  const LinearHead head = fit_logistic({x, y, one}, c);
  // The mean of ∇ = Xᵀ (p - y) + W / c vanishes there; scikit-learn is content with 1e-4.
  const Tensor error = head.logits(x).softmax(1) - y;
  EXPECT_LE((error.t().mm(x) + head.weight / c).abs().max().item<double>() / 40, 5e-5);
  EXPECT_LE(error.sum(0).abs().max().item<double>() / 40, 5e-5);
}

/// Rows in three directions, so that some are close and some are opposite.
Tensor grouped_rows(int64_t count, int64_t columns) {
  torch::manual_seed(3);
  const Tensor centre = torch::randn({3, columns}, torch::kDouble);
  return centre.index_select(0, torch::arange(count).remainder(3)) +
         0.4 * torch::randn({count, columns}, torch::kDouble);
}

TEST(Nearest, FindsWhatALoopFinds) {
  constexpr int64_t kCount = 611, kNeighbours = 7;  // more rows than are compared at a time
  const Tensor rows = grouped_rows(kCount, 6);
  const Neighbours found = nearest(rows, kNeighbours);
  ASSERT_EQ(found.index.sizes(), (std::vector<int64_t>{kCount, kNeighbours}));
  ASSERT_EQ(found.cosine.sizes(), found.index.sizes());
  const auto row = rows.accessor<double, 2>();
  for (int64_t i = 0; i < kCount; ++i) {
    std::vector<double> cosine(kCount);
    for (int64_t j = 0; j < kCount; ++j) {
      double dot = 0, own = 0, other = 0;
      for (int64_t d = 0; d < rows.size(1); ++d) {
        dot += row[i][d] * row[j][d];
        own += row[i][d] * row[i][d];
        other += row[j][d] * row[j][d];
      }
      cosine[static_cast<std::size_t>(j)] = dot / std::sqrt(own * other);
    }
    std::vector<double> sorted;
    for (int64_t j = 0; j < kCount; ++j)
      if (j != i) sorted.push_back(cosine[static_cast<std::size_t>(j)]);
    std::sort(sorted.rbegin(), sorted.rend());
    for (int64_t k = 0; k < kNeighbours; ++k) {
      const int64_t j = found.index[i][k].item<int64_t>();
      ASSERT_NE(j, i);
      ASSERT_NEAR(found.cosine[i][k].item<double>(), cosine[static_cast<std::size_t>(j)], 1e-5);
      ASSERT_NEAR(found.cosine[i][k].item<double>(), sorted[static_cast<std::size_t>(k)], 1e-5);
    }
  }
}

TEST(Nearest, TakesAsManyAsThereAreAndNoneAgainstIt) {
  const Tensor rows = torch::tensor({{1.0, 0.0}, {2.0, 0.1}, {-1.0, 0.0}}, torch::kDouble);
  const Neighbours found = nearest(rows, 10);
  ASSERT_EQ(found.index.sizes(), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(found.index[0][0].item<int64_t>(), 1);
  EXPECT_EQ(found.index[1][0].item<int64_t>(), 0);
  EXPECT_EQ(found.cosine[0][1].item<double>(), 0.0);  // opposite
  EXPECT_EQ(found.cosine[2].max().item<double>(), 0.0);
  for (const int64_t count : {0, 1})
    EXPECT_EQ(nearest(rows.slice(0, 0, count), 10).index.sizes(), (std::vector<int64_t>{count, 0}));
}

/// Half of each edge to either end, as a matrix.
Tensor adjacency(const Neighbours& edges, const Tensor& weight) {
  const int64_t count = edges.index.size(0);
  Tensor matrix = torch::zeros({count, count}, torch::kDouble);
  auto cell = matrix.accessor<double, 2>();
  for (int64_t i = 0; i < count; ++i)
    for (int64_t k = 0; k < edges.index.size(1); ++k) {
      const int64_t j = edges.index[i][k].item<int64_t>();
      cell[i][j] += weight[i][k].item<double>() / 2;
      cell[j][i] += weight[i][k].item<double>() / 2;
    }
  return matrix;
}

TEST(Graph, MultipliesLikeItsMatrix) {
  const Neighbours found = nearest(grouped_rows(40, 5), 4);
  const Tensor weight = found.cosine.pow(3), matrix = adjacency(found, weight);
  const Tensor values = torch::randn({40, 3}, torch::kDouble);
  const Graph graph(found.index, weight);
  EXPECT_LE(farthest(graph.times(values), matrix.mm(values)), 1e-12);
  const Tensor root = torch::diag(matrix.sum(1).rsqrt());
  EXPECT_LE(farthest(graph.normalised().times(values), root.mm(matrix).mm(root).mm(values)), 1e-12);
}

TEST(Graph, LeavesWhoHasNoNeighbourAlone) {
  const Neighbours found = nearest(torch::tensor({{1.0, 0.0}, {1.0, 0.1}, {-1.0, 0.0}}, torch::kDouble), 1);
  const Tensor values = torch::ones({3, 2}, torch::kDouble);
  const Tensor product = Graph(found.index, found.cosine).normalised().times(values);
  EXPECT_TRUE(product.isfinite().all().item<bool>());
  EXPECT_EQ(product[2].abs().sum().item<double>(), 0.0);
}

TEST(FeatureScale, CentresColumnsAndBringsRowsToOneLength) {
  const Tensor rows = grouped_rows(30, 4) * torch::tensor({1.0, 3.0, 0.1, 0.0}) + torch::tensor({5.0, 0.0, 0.0, 7.0});
  const Tensor plain = FeatureScale(rows, /*unit=*/false)(rows);
  EXPECT_LE(plain.mean(0).abs().max().item<double>(), 1e-9);
  EXPECT_NEAR(plain.square().sum(1).mean().item<double>(), 1.0, 1e-9);
  // All columns by one factor.
  const Tensor factor = plain.std(0).slice(0, 0, 3) / rows.std(0).slice(0, 0, 3);
  EXPECT_LE(farthest(factor, factor[0].expand({3})), 1e-9);
  EXPECT_LE(plain.select(1, 3).abs().max().item<double>(), 1e-9);  // it never moves
  const Tensor unit = FeatureScale(rows, /*unit=*/true)(rows);
  EXPECT_LE(farthest(unit.norm(2, 1), torch::ones({30})), 1e-9);
  EXPECT_LE(farthest(unit, rows_of_length_one(plain)), 1e-9);
}

TEST(FeatureScale, SeesNoMoreInSmallNumbersThanInLargeOnes) {
  const Tensor rows = grouped_rows(30, 4), plain = FeatureScale(rows, false)(rows);
  for (const double factor : {1e-12, 1e12})
    EXPECT_LE(farthest(FeatureScale(rows * factor, false)(rows * factor), plain), 1e-6);
  const Tensor same = torch::full({5, 3}, 2.5, torch::kDouble);
  for (const bool unit : {false, true}) EXPECT_EQ(FeatureScale(same, unit)(same).abs().max().item<double>(), 0.0);
}

}  // namespace
}  // namespace fewlabel::testing
