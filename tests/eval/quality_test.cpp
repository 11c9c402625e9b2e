#include "eval/quality.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace fewlabel {
namespace {

Tensor drawn(int64_t count, int64_t dimension, uint64_t seed) {
  torch::manual_seed(seed);
  return torch::randn({count, dimension}, torch::kDouble);
}

TEST(Frechet, IsZeroForTheSameAndTheSquareOfAShift) {
  const Tensor x = drawn(300, 4, 1);
  EXPECT_NEAR(frechet_distance(x, x), 0, 1e-8);
  EXPECT_NEAR(frechet_distance(x, x + torch::tensor({1.0, 2.0, 0.0, 0.0})), 5, 1e-8);
}

TEST(Frechet, OfCommutingCovariancesIsTheDistanceOfTheirRoots) {
  const Tensor x = drawn(500, 3, 2);
  const Tensor centred = x - x.mean(0);
  // Scaling all by s turns Σ into s² Σ: the distance is (s - 1)² tr Σ.
  const double trace = (centred.t().mm(centred) / 499).trace().item<double>();
  EXPECT_NEAR(frechet_distance(centred, centred * 3), 4 * trace, 1e-8);
}

TEST(Frechet, AgreesWithTheRootOfTheProductOfCovariances) {
  const Tensor a = drawn(200, 2, 3), b = drawn(200, 2, 4).mm(torch::tensor({{1.0, 0.7}, {0.0, 0.5}}, torch::kDouble));
  const auto covariance = [](const Tensor& x) {
    const Tensor c = x - x.mean(0);
    return c.t().mm(c) / static_cast<double>(x.size(0) - 1);
  };
  // For 2 × 2 matrices tr M^½ = √(tr M + 2 √det M).
  const Tensor m = covariance(a).mm(covariance(b));
  const double determinant = (m[0][0] * m[1][1] - m[0][1] * m[1][0]).item<double>();
  const double root = std::sqrt(m.trace().item<double>() + 2 * std::sqrt(determinant));
  const double expected = (a.mean(0) - b.mean(0)).square().sum().item<double>() + covariance(a).trace().item<double>() +
                          covariance(b).trace().item<double>() - 2 * root;
  EXPECT_NEAR(frechet_distance(a, b), expected, 1e-8);
}

TEST(PrecisionRecall, TellsMissingModesFromBadSamples) {
  const Tensor left = drawn(100, 2, 5) * 0.1, right = left + 10, far = left + 100;
  const Tensor real = torch::cat({left, right});
  const PrecisionRecall same = precision_recall(real, real);
  EXPECT_EQ(same.precision, 1.0);
  EXPECT_EQ(same.recall, 1.0);
  const PrecisionRecall half = precision_recall(real, left);  // one of two modes
  EXPECT_EQ(half.precision, 1.0);
  EXPECT_NEAR(half.recall, 0.5, 1e-9);
  const PrecisionRecall noise = precision_recall(real, torch::cat({real, far, far}));  // half of them nonsense
  EXPECT_NEAR(noise.precision, 0.5, 1e-9);
  EXPECT_EQ(noise.recall, 1.0);
}

}  // namespace
}  // namespace fewlabel
