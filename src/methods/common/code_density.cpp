#include "methods/common/code_density.h"

#include "methods/common/sampling.h"

namespace fewlabel {
namespace {

constexpr double kDecay = 0.99;

}  // namespace

CodeDensityImpl::CodeDensityImpl(int64_t size) {
  mean_ = register_module("mean", RunningMean(torch::zeros({size})));
  second_moment_ = register_module("second_moment", RunningMean(torch::eye(size)));
}

void CodeDensityImpl::observe(const Tensor& codes) {
  const Tensor rows = codes.detach().to(torch::kFloat);
  mean_->observe(rows);
  second_moment_->observe_sum(rows.t().mm(rows), rows.size(0));
}

void CodeDensityImpl::updated() {
  mean_->move(kDecay);
  second_moment_->move(kDecay);
}

Tensor CodeDensityImpl::sample(int64_t count, uint64_t seed) const {
  const Tensor mean = mean_->value().to(torch::kDouble);
  const Tensor covariance = second_moment_->value().to(torch::kDouble) - torch::outer(mean, mean);
  // Not Cholesky: codes that fill no more than a plane have a covariance that is singular, or by rounding worse.
  const auto [variance, axes] = torch::linalg_eigh(covariance);
  const Tensor draws = seeded_normal({count, mean.size(0)}, seed).to(mean.device(), torch::kDouble);
  return (mean + (draws * variance.clamp_min(0.0).sqrt()).mm(axes.t())).to(torch::kFloat);
}

}  // namespace fewlabel
