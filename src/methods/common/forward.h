// The forward passes of the methods that compare a weak and a strong view.
#pragma once
#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "fewlabel/method.h"
#include "methods/common/pool_shares.h"

namespace fewlabel {

/// What the methods of the FixMatch family share.
struct ConsistencyConfig {
  int64_t mu = 7;
  double lambda_u = 1.0, rotation = 0.0;
  std::string labeled_view = "weak";
  std::string weak_forward = "separate";
  std::string strong_forward = "all";  // a field of the methods whose loss needs no other strong view than the kept
  bool align = false;
  double align_decay = 0.999;
  std::string align_to = "labels";  // or learnt: see pool_shares.h
  void fields(FieldVisitor& field);
  void strong_field(FieldVisitor& field);
  Needs needs() const { return {.labeled = {labeled_view}, .unlabeled = {"weak", "strong"}, .ratio = mu}; }
};

/// What runs of a few thousand updates do better with (docs/decisions/0003), as MethodInfo::short_settings: more
/// updates rather than more unlabelled examples in each, averages that move faster, and the strong view for labelled
/// examples, which are seen hundreds of times. `own` adds to the method's table, and wins.
Json short_consistency_settings(const Json& own = Json::object());

/// Logits of the labelled examples and of the two views of the unlabelled ones; `u_weak` carries no gradient.
struct ConsistencyLogits {
  Tensor x, u_weak, u_strong;
  Features features;
};

/// together: one pass over all three, as FixMatch's authors do: batch norm sees labelled, weak and strong as one batch.
/// separate: one pass over labelled and strong, then one over weak without gradient, about a third less work. Both are
/// in training mode: each normalises by its own batch and moves the running statistics.
/// With strong_forward = kept the weak views alone; finish_consistency does the rest.
ConsistencyLogits forward_consistency(NetModule& net, const Batch& batch, const ConsistencyConfig& config);
/// Where `logits` has none of the labelled examples and the strong views yet: one pass over the former and those of the
/// latter with kept ≠ 0 (N). The logits of the others are zero, without gradient.
void finish_consistency(ConsistencyLogits& logits, NetModule& net, const Batch& batch, const Tensor& kept);

/// Logits without gradient. May come before a pass with gradient: autocast's casts of the weights are not kept.
Tensor forward_without_gradient(NetModule& net, const Tensor& x);

/// Logits of the two, from one pass, both with gradient.
std::pair<Tensor, Tensor> forward_together(NetModule& net, const Tensor& a, const Tensor& b);
/// The same for any number of batches.
std::vector<Tensor> forward_parts(NetModule& net, const std::vector<Tensor>& batches);

}  // namespace fewlabel
