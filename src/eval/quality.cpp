#include "eval/quality.h"

#include <torch/torch.h>

#include <algorithm>

#include "core/work.h"

namespace fewlabel {
namespace {

Tensor covariance(const Tensor& x) {
  const Tensor centred = x - x.mean(0);
  return centred.t().mm(centred) / static_cast<double>(x.size(0) - 1);
}

/// The symmetric root of a matrix without negative eigenvalues.
Tensor root(const Tensor& matrix) {
  const auto [value, vector] = torch::linalg_eigh(matrix);
  return vector.mul(value.clamp_min(0).sqrt()).mm(vector.t());
}

/// Distance of each row to its k-th nearest other row.
Tensor radius(const Tensor& x, int64_t k) {
  std::vector<Tensor> parts;
  Work work("measuring samples", x.size(0));
  for (const Tensor& rows : x.split(500)) {
    parts.push_back(
        std::get<0>(torch::cdist(rows, x).topk(std::min(k + 1, x.size(0)), 1, /*largest=*/false)).select(1, -1));
    work.advance(rows.size(0));
  }
  return torch::cat(parts);
}

/// Share of `rows` that lie in some ball around `centres`.
double covered(const Tensor& rows, const Tensor& centres, const Tensor& reach) {
  double count = 0;
  Work work("measuring samples", rows.size(0));
  for (const Tensor& part : rows.split(500)) {
    count += torch::cdist(part, centres).le(reach).any(1).sum().item<double>();
    work.advance(part.size(0));
  }
  return count / static_cast<double>(rows.size(0));
}

}  // namespace

double frechet_distance(const Tensor& a, const Tensor& b) {
  const torch::NoGradGuard no_gradient;
  const Tensor x = a.to(torch::kDouble), y = b.to(torch::kDouble);
  const Tensor first = covariance(x), second = covariance(y), half = root(first);
  // (Σ_a Σ_b)^½ has the trace of (Σ_a^½ Σ_b Σ_a^½)^½, which is symmetric.
  const Tensor middle = std::get<0>(torch::linalg_eigh(half.mm(second).mm(half))).clamp_min(0).sqrt().sum();
  return ((x.mean(0) - y.mean(0)).square().sum() + first.trace() + second.trace() - 2 * middle).item<double>();
}

PrecisionRecall precision_recall(const Tensor& real, const Tensor& samples, int64_t k) {
  const torch::NoGradGuard no_gradient;
  return {covered(samples, real, radius(real, k)), covered(real, samples, radius(samples, k))};
}

}  // namespace fewlabel
