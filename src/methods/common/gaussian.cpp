#include "methods/common/gaussian.h"

#include <cmath>
#include <numbers>

namespace fewlabel {

Gaussian gaussian(const Tensor& out) {
  const auto halves = out.to(torch::kFloat).chunk(2, 1);
  return {halves[0], halves[1].clamp(-10, 10)};
}

Tensor draw(const Gaussian& q) { return q.mean + (0.5 * q.log_variance).exp() * torch::randn_like(q.mean); }

Tensor kl_to_standard(const Gaussian& q) {
  return 0.5 * (q.mean.square() + q.log_variance.exp() - 1 - q.log_variance).sum(1);
}

Tensor log_density(const Gaussian& q, const Tensor& z) {
  const Tensor scaled = (z - q.mean).square() * (-q.log_variance).exp();
  return -0.5 * (scaled + q.log_variance + std::log(2 * std::numbers::pi)).sum(1);
}

Tensor bernoulli_log_likelihood(const Tensor& logits, const Tensor& x) {
  return -torch::binary_cross_entropy_with_logits(logits.to(torch::kFloat), x, {}, {}, at::Reduction::None).sum(1);
}

}  // namespace fewlabel
