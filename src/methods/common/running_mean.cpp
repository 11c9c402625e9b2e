#include "methods/common/running_mean.h"

namespace fewlabel {

RunningMeanImpl::RunningMeanImpl(const Tensor& start) {
  value_ = register_buffer("value", start.to(torch::kFloat).clone());
  sum_ = register_buffer("sum", torch::zeros_like(value_));
  count_ = register_buffer("count", torch::zeros({}));
}

void RunningMeanImpl::observe(const Tensor& rows) { observe_sum(rows.sum(0), rows.size(0)); }

void RunningMeanImpl::observe_sum(const Tensor& sum, int64_t count) {
  const torch::NoGradGuard no_grad;
  sum_.add_(sum);
  count_.add_(static_cast<double>(count));
}

void RunningMeanImpl::move(double decay) {
  const torch::NoGradGuard no_grad;
  const Tensor seen = count_.gt(0).to(torch::kFloat);
  value_.add_(seen * (1.0 - decay) * (sum_ / count_.clamp_min(1.0) - value_));
  sum_.zero_();
  count_.zero_();
}

}  // namespace fewlabel
