// Diagonal Gaussians and Bernoulli pixels, as variational autoencoders use them (Kingma and Welling 2014,
// arXiv:1312.6114, appendices B and C). All in fp32; every result is one number a row, summed over the rest.
#pragma once
#include <torch/torch.h>

#include "fewlabel/net.h"

namespace fewlabel {

struct Gaussian {
  Tensor mean, log_variance;  // N × D each
};
/// The two halves of a net's output, N × 2D.
Gaussian gaussian(const Tensor& out);
/// mean + deviation · ε, with gradient (the reparameterisation).
Tensor draw(const Gaussian& q);
/// KL(q ‖ N(0, I)).
Tensor kl_to_standard(const Gaussian& q);
/// log q(z).
Tensor log_density(const Gaussian& q, const Tensor& z);
/// Σ x log σ(logits) + (1 - x) log(1 - σ(logits)); x in [0, 1], N × D.
Tensor bernoulli_log_likelihood(const Tensor& logits, const Tensor& x);

}  // namespace fewlabel
