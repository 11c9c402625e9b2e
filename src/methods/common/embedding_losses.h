// Losses of joint embedding: they compare the embeddings of two views of the same N examples, row by row. All are means
// over rows, in fp32 whatever the precision of the forward pass.
#pragma once
#include <torch/torch.h>

#include <vector>

#include "fewlabel/net.h"

namespace fewlabel {

/// A Bᵀ in fp32, also under autocast: cosines in bf16 would have three digits before the temperature divides them.
Tensor products(const Tensor& a, const Tensor& b);

/// NT-Xent (SimCLR, arXiv:2002.05709, equation 1): each of the 2N views must find its partner among the 2N - 1 others.
/// z1, z2: N × D of any length.
Tensor nt_xent(const Tensor& z1, const Tensor& z2, double temperature);

/// InfoNCE (MoCo, arXiv:1911.05722, equation 1): q must find its key k among itself and the queue. q, k: N × D, queue:
/// K × D, all of unit length; gradients reach q alone.
Tensor info_nce(const Tensor& q, const Tensor& k, const Tensor& queue, double temperature);

/// SetFit (arXiv:2209.11055, section 3.1): of all pairs of a batch, the mean of (1 - cos)² over those of one class and
/// the mean of cos² over the others, half and half, as the paper draws as many of the one kind as of the other. A kind
/// that there is none of counts nothing. z: N × D of unit length; y: int64 N.
Tensor pair_loss(const Tensor& z, const Tensor& y);

/// -cos(p, z); gradients reach p alone (BYOL: 2 + 2 times it, arXiv:2006.07733, equation 2; SimSiam, arXiv:2011.10566,
/// equation 1). N × D each.
Tensor negative_cosine(const Tensor& p, const Tensor& z);

/// Barlow Twins (arXiv:2103.03230, equation 1): the cross-correlation of the D features over the batch must be the
/// identity; sum over all D² entries, those off the diagonal times lambda.
Tensor barlow_twins_loss(const Tensor& z1, const Tensor& z2, double lambda);

/// VICReg's three terms (arXiv:2105.04906, equations 1 to 5) over both views. As in the authors' code, the invariance
/// is a mean over the D features too, the variance the mean of the two views, the covariance their sum.
struct VicregTerms {
  Tensor invariance, variance, covariance;
};
VicregTerms vicreg_terms(const Tensor& z1, const Tensor& z2);

/// Sinkhorn-Knopp (SwAV, arXiv:2006.09882, section 3.1; the authors' three iterations): soft assignments of N rows to K
/// prototypes that use all prototypes alike. scores N × K → N × K, each row sums to 1, each column about to N / K;
/// without gradient.
Tensor sinkhorn(const Tensor& scores, double epsilon, int64_t iterations);

/// Each view's target must be predicted from every other view: the mean over targets i and views j ≠ i of
/// -Σ_k target_ik log softmax(logits_j)_k. Targets belong to the first views, rows sum to 1, N × K each; gradients
/// reach the logits alone.
Tensor swapped_cross_entropy(const std::vector<Tensor>& targets, const std::vector<Tensor>& logits);

}  // namespace fewlabel
