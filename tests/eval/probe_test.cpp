#include "eval/probe.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "eval/memory_store.h"
#include "fewlabel/random.h"

namespace fewlabel {
namespace {

/// Gaussian blobs around random centres.
Features blobs(int64_t count, int64_t dimension, int64_t classes, double noise, uint64_t seed) {
  Features all{torch::empty({count, dimension}), torch::arange(count).remainder(classes)};
  Random centre({.seed = 11, .purpose = "centre"}), random({.seed = seed, .purpose = "blob"});
  const Tensor centres = torch::empty({classes, dimension});
  auto at = centres.accessor<float, 2>();
  for (int64_t c = 0; c < classes; ++c)
    for (int64_t d = 0; d < dimension; ++d) at[c][d] = static_cast<float>(centre.normal());
  auto x = all.x.accessor<float, 2>();
  for (int64_t i = 0; i < count; ++i)
    for (int64_t d = 0; d < dimension; ++d) x[i][d] = at[i % classes][d] + static_cast<float>(noise * random.normal());
  return all;
}

/// The obvious way: all distances of one row, sorted; most votes, then the nearer ranks, then the smaller label.
std::vector<int64_t> slow_knn(const Features& known, const Tensor& x, int64_t k, Distance distance) {
  std::vector<int64_t> result;
  for (int64_t i = 0; i < x.size(0); ++i) {
    std::vector<std::pair<double, int64_t>> near;
    for (int64_t j = 0; j < known.x.size(0); ++j) {
      const Tensor a = x[i].to(torch::kDouble), b = known.x[j].to(torch::kDouble);
      const double d = distance == Distance::cosine ? -(a.dot(b) / (a.norm() * b.norm())).item<double>()
                                                    : (a - b).norm().item<double>();
      near.emplace_back(d, known.y[j].item<int64_t>());
    }
    std::sort(near.begin(), near.end());
    std::map<int64_t, std::pair<int64_t, int64_t>> votes;  // label → how many, and k - rank of each
    for (int64_t n = 0; n < k; ++n) {
      auto& [count, nearness] = votes[near[static_cast<std::size_t>(n)].second];
      ++count;
      nearness += k - n;
    }
    const auto winner =
        std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    result.push_back(winner->first);
  }
  return result;
}

TEST(Knn, AgreesWithSortingAllDistances) {
  const Features known = blobs(120, 6, 4, 1.2, 1), test = blobs(60, 6, 4, 1.2, 2);
  for (const Distance distance : {Distance::cosine, Distance::euclidean}) {
    const Tensor got = knn_classify(known, test.x, {.k = 5, .distance = distance});
    const auto expected = slow_knn(known, test.x, 5, distance);
    for (int64_t i = 0; i < 60; ++i) EXPECT_EQ(got[i].item<int64_t>(), expected[static_cast<std::size_t>(i)]) << i;
  }
}

TEST(Knn, DistancesDiffer) {
  const Features known{torch::tensor({{10.0F, 0.0F}, {0.0F, 1.0F}}), torch::tensor({0, 1})};
  const Tensor x = torch::tensor({{1.0F, 0.2F}});
  EXPECT_EQ(knn_classify(known, x, {.k = 1, .distance = Distance::cosine})[0].item<int64_t>(), 0);
  EXPECT_EQ(knn_classify(known, x, {.k = 1, .distance = Distance::euclidean})[0].item<int64_t>(), 1);
}

TEST(Knn, ATieGoesToTheNearerClassAndKIsBounded) {
  const Features known{torch::tensor({{0.0F}, {3.0F}}), torch::tensor({1, 0})};
  const Tensor x = torch::tensor({{1.0F}});
  EXPECT_EQ(knn_classify(known, x, {.k = 10, .distance = Distance::euclidean})[0].item<int64_t>(), 1);
}

/// Plain gradient descent in double on the objective as written down.
Tensor slow_linear(const Features& known, const Tensor& x, double penalty) {
  const Tensor a = known.x.to(torch::kDouble), mean = a.mean(0), deviation = a.std(0, false);
  const Tensor z = (a - mean) / deviation, n = torch::tensor(static_cast<double>(a.size(0)));
  const int64_t classes = known.y.max().item<int64_t>() + 1;
  Tensor w = torch::zeros({a.size(1), classes}, torch::kDouble).requires_grad_();
  Tensor b = torch::zeros({classes}, torch::kDouble).requires_grad_();
  for (int step = 0; step < 4000; ++step) {
    const Tensor loss = torch::nll_loss((z.mm(w) + b).log_softmax(1), known.y) + penalty / (2 * n) * w.square().sum();
    loss.backward();
    const torch::NoGradGuard no_gradient;
    for (Tensor* p : {&w, &b}) {
      p->sub_(p->grad(), 0.5);
      p->mutable_grad().zero_();
    }
  }
  const torch::NoGradGuard no_gradient;
  return (((x.to(torch::kDouble) - mean) / deviation).mm(w) + b).argmax(1);
}

TEST(LinearProbe, FindsTheOptimumThatGradientDescentFinds) {
  const Features known = blobs(90, 5, 3, 1.5, 3), test = blobs(200, 5, 3, 1.5, 4);
  for (const double penalty : {1.0, 50.0}) {
    const Tensor got = linear_classify(known, test.x, {.penalty = penalty, .iterations = 200});
    EXPECT_GE(share_equal(got, slow_linear(known, test.x, penalty)), 0.99) << penalty;
  }
  const Tensor again = linear_classify(known, test.x);
  EXPECT_TRUE(torch::equal(again, linear_classify(known, test.x)));
}

TEST(LinearProbe, UnitsAndDeadFeaturesDoNotMatter) {
  const Features known = blobs(90, 5, 3, 1.0, 3), test = blobs(200, 5, 3, 1.0, 4);
  const Tensor unit = torch::tensor({1e-3F, 1.0F, 1e3F, 5.0F, 0.1F});
  const auto widened = [&](const Tensor& x) { return torch::cat({x * unit + 7, torch::ones({x.size(0), 1})}, 1); };
  const Tensor plain = linear_classify(known, test.x);
  EXPECT_GE(share_equal(linear_classify({widened(known.x), known.y}, widened(test.x)), plain), 0.99);
  EXPECT_GE(share_equal(plain, test.y), 0.7);
}

TEST(Clusters, AssignmentIsTheBestOfAllPermutations) {
  Random random({.seed = 5, .purpose = "test"});
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<std::vector<double>> gain(5, std::vector<double>(5));
    for (auto& row : gain)
      for (double& value : row) value = random.below(20);
    std::vector<std::size_t> order(5);
    std::iota(order.begin(), order.end(), 0u);
    double best = -1;
    do {
      double sum = 0;
      for (std::size_t i = 0; i < 5; ++i) sum += gain[i][order[i]];
      best = std::max(best, sum);
    } while (std::next_permutation(order.begin(), order.end()));
    double got = 0;
    const auto chosen = best_assignment(gain);
    for (std::size_t i = 0; i < 5; ++i) got += gain[i][static_cast<std::size_t>(chosen[i])];
    EXPECT_EQ(got, best);
  }
}

TEST(Clusters, SeparateBlobsAreFoundWhateverTheirNumbers) {
  const Features all = blobs(200, 8, 5, 0.05, 6);
  const Tensor found = k_means(all.x, {.clusters = 5, .seed = 1});
  EXPECT_EQ(cluster_accuracy(found, all.y), 1.0);
  EXPECT_TRUE(torch::equal(found, k_means(all.x, {.clusters = 5, .seed = 1})));
  EXPECT_NEAR(cluster_accuracy(torch::zeros({200}, torch::kLong), all.y), 0.2, 1e-9);
}

/// Says that every pixel is a quarter.
class Quarter final : public Reconstructor {
 public:
  Tensor reconstruct(const Tensor& x) override { return torch::full_like(x, 0.25); }
};

TEST(Reconstruction, ErrorIsInUnitsOfPixels) {
  const testing::MemoryStore store(4);
  const Normalization rule{testing::MemoryStore::kShape, {0.3F}, {0.7F}};
  double expected = 0;
  std::vector<uint8_t> pixels(static_cast<std::size_t>(rule.layout.bytes()));
  for (const int64_t i : {1, 3}) {
    store.fetch(i, pixels.data());
    for (const uint8_t p : pixels) expected += (p / 255.0 - 0.25) * (p / 255.0 - 0.25);
  }
  expected /= 2.0 * static_cast<double>(rule.layout.bytes());
  Quarter quarter;
  EXPECT_NEAR(reconstruction_error(quarter, store, {1, 3}, rule), expected, 1e-6);
}

}  // namespace
}  // namespace fewlabel
