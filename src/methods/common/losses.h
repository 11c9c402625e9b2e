// Losses over logits. All are computed in fp32, whatever the precision of the forward pass.
#pragma once
#include <torch/torch.h>

#include "fewlabel/net.h"

namespace fewlabel {

/// Mean over examples of -Σ_c t_c log softmax(logits)_c, where t is the label with `smoothing` spread evenly over all
/// classes (Szegedy et al. 2016). logits N × C, label int64 N in 0 … C-1.
Tensor cross_entropy(const Tensor& logits, const Tensor& label, double smoothing = 0.0);

/// -log softmax(logits)_label for each example: N. label may also be a distribution, float N × C: then -Σ_c t_c log
/// softmax(logits)_c.
Tensor cross_entropy_each(const Tensor& logits, const Tensor& label);

/// softmax(logits) in fp32 without gradient: N × C.
Tensor probabilities(const Tensor& logits);

/// softmax(logits) in fp32, with gradient: N × C.
Tensor softmax_rows(const Tensor& logits);

/// Mean over classes of (p - q)² for each example: N. p, q: N × C.
Tensor squared_difference_each(const Tensor& p, const Tensor& q);

/// KL(p ‖ softmax(logits)) = Σ_c p_c (log p_c - log softmax(logits)_c) for each example: N; p log p is 0 at 0.
Tensor divergence_each(const Tensor& p, const Tensor& logits);

/// -Σ_c q_c log q_c with q = softmax(logits) for each example: N.
Tensor entropy_each(const Tensor& logits);

/// The largest probability of each row and where it is.
struct PseudoLabels {
  Tensor confidence, label;  // float N, int64 N
};
PseudoLabels most_probable(const Tensor& probabilities);

/// float N × classes with a one per row.
Tensor one_hot_rows(const Tensor& label, int64_t classes);

}  // namespace fewlabel
