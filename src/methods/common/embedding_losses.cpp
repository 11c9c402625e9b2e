#include "methods/common/embedding_losses.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <limits>

#include "methods/common/heads.h"
#include "methods/common/losses.h"

namespace fewlabel {
namespace {

/// The sum of the squares off the diagonal of a D × D matrix.
Tensor off_diagonal(const Tensor& matrix) { return matrix.square().sum() - matrix.diagonal().square().sum(); }

/// max(0, 1 - σ) of each feature, in the mean (VICReg, equation 1, γ = 1).
Tensor missing_deviation(const Tensor& z) {
  constexpr double kEpsilon = 1e-4;
  return torch::relu(1.0 - (z.var(0) + kEpsilon).sqrt()).mean();
}

/// The squared covariances of different features, summed, over D (VICReg, equations 3 and 4).
Tensor squared_covariance(const Tensor& z) {
  const Tensor centred = z - z.mean(0);
  return off_diagonal(products(centred.t(), centred.t()) / static_cast<double>(z.size(0) - 1)) /
         static_cast<double>(z.size(1));
}

/// Mean 0 and deviation 1 for each feature, as batch norm without weights.
Tensor standardised(const Tensor& z) {
  constexpr double kEpsilon = 1e-5;
  const Tensor x = z.to(torch::kFloat), centred = x - x.mean(0);
  return centred / (centred.square().mean(0) + kEpsilon).sqrt();
}

}  // namespace

Tensor products(const Tensor& a, const Tensor& b) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  return a.to(torch::kFloat).mm(b.to(torch::kFloat).t());
}

Tensor nt_xent(const Tensor& z1, const Tensor& z2, double temperature) {
  const int64_t n = z1.size(0);
  const Tensor z = unit_rows(torch::cat({z1, z2}));
  const Tensor self = torch::eye(2 * n, z.options().dtype(torch::kBool));
  const Tensor s = (products(z, z) / temperature).masked_fill(self, -std::numeric_limits<float>::infinity());
  return cross_entropy(s, torch::arange(2 * n, z.options().dtype(torch::kLong)).roll(n));
}

Tensor info_nce(const Tensor& q, const Tensor& k, const Tensor& queue, double temperature) {
  const Tensor positive = (q.to(torch::kFloat) * k.detach()).sum(1, /*keepdim=*/true);
  const Tensor logits = torch::cat({positive, products(q, queue.detach())}, 1) / temperature;
  return cross_entropy(logits, torch::zeros({q.size(0)}, logits.options().dtype(torch::kLong)));
}

Tensor pair_loss(const Tensor& z, const Tensor& y) {
  const Tensor cosine = products(z, z), same = y.unsqueeze(1).eq(y.unsqueeze(0)).to(torch::kFloat);
  const Tensor alike = same.clone().fill_diagonal_(0), other = 1 - same;
  const Tensor pull = (alike * (1 - cosine).square()).sum() / alike.sum().clamp_min(1);
  const Tensor push = (other * cosine.square()).sum() / other.sum().clamp_min(1);
  return (pull + push) / 2;
}

Tensor negative_cosine(const Tensor& p, const Tensor& z) {
  return -(unit_rows(p) * unit_rows(z.detach())).sum(1).mean();
}

Tensor barlow_twins_loss(const Tensor& z1, const Tensor& z2, double lambda) {
  const Tensor c = products(standardised(z1).t(), standardised(z2).t()) / static_cast<double>(z1.size(0));
  return (c.diagonal() - 1.0).square().sum() + lambda * off_diagonal(c);
}

VicregTerms vicreg_terms(const Tensor& z1, const Tensor& z2) {
  const Tensor a = z1.to(torch::kFloat), b = z2.to(torch::kFloat);
  return {.invariance = (a - b).square().mean(),
          .variance = (missing_deviation(a) + missing_deviation(b)) / 2,
          .covariance = squared_covariance(a) + squared_covariance(b)};
}

Tensor sinkhorn(const Tensor& scores, double epsilon, int64_t iterations) {
  const torch::NoGradGuard no_grad;
  const Tensor s = scores.to(torch::kFloat);
  Tensor q = torch::exp((s - s.max()) / epsilon);  // a common factor changes nothing, and nothing overflows
  for (int64_t i = 0; i < iterations; ++i) {
    q = q / q.sum(0, /*keepdim=*/true).clamp_min(1e-30);  // every prototype alike
    q = q / q.sum(1, /*keepdim=*/true);                   // every example once
  }
  return q;
}

Tensor swapped_cross_entropy(const std::vector<Tensor>& targets, const std::vector<Tensor>& logits) {
  std::vector<Tensor> pairs;
  for (std::size_t j = 0; j < logits.size(); ++j) {
    const Tensor log_p = torch::log_softmax(logits[j].to(torch::kFloat), 1);
    for (std::size_t i = 0; i < targets.size(); ++i)
      if (i != j) pairs.push_back(-(targets[i].detach() * log_p).sum(1).mean());
  }
  return torch::stack(pairs).mean();
}

}  // namespace fewlabel
