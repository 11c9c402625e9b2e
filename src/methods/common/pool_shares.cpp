#include "methods/common/pool_shares.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <cmath>

#include "methods/common/losses.h"

namespace fewlabel {
namespace {

// What the distance of an estimate from the labels' shares comes to where the pool's are the labels', because a
// classifier with so few labels errs: the mean over the classes of 1 / (labels of the class), times this.
constexpr double kNoise = 3.0;
// No class is taken to be so many times rarer or commoner than among the labels.
constexpr double kMostRatio = 50;
// Share of the pseudo-labels that may contradict the labels-only head before they count less, and where they count
// least.
constexpr double kDoubt = 0.35, kHarm = 0.6, kLeastTrust = 0.1;
constexpr double kEarly = 0.3;  // of the run, in which nothing is weakened

constexpr double kLeastShare = 1e-4;
constexpr double kEager = 3;  // expectation maximisation takes several turns: its average moves so much faster

constexpr double kHeadRate = 0.5, kHeadMomentum = 0.9, kHeadDecay = 5e-4;  // of the labels-only head

/// N × D → N × (D + 1), in fp32.
Tensor with_one(const Tensor& features) { return torch::constant_pad_nd(features.to(torch::kFloat), {0, 1}, 1.0); }

}  // namespace

void align_to_field(FieldVisitor& field, std::string& align_to) {
  field("align_to", align_to, "class shares that predictions are aligned with: of the labels, or learnt from the pool",
        {"labels", "learnt"});
}

Tensor class_share(const Task& task) {
  if (task.class_share.size() != static_cast<std::size_t>(task.classes))
    return torch::full({task.classes}, 1.0 / static_cast<double>(task.classes));
  return torch::tensor(task.class_share, torch::kDouble).to(torch::kFloat);
}

PoolSharesImpl::PoolSharesImpl(const PoolSharesConfig& config, const Task& task, int64_t features)
    : learns_(config.align_to == "learnt" && task.pool_share.empty()),
      moves_(learns_ || !task.pool_share.empty()),
      decay_(config.decay) {
  const Tensor known = class_share(task);
  labels_ = register_buffer("labels", moves_ ? known.clamp_min(kLeastShare) : known);
  value_ = register_buffer("value", task.pool_share.empty()
                                        ? labels_.clone()
                                        : torch::tensor(task.pool_share, torch::kDouble).to(torch::kFloat));
  if (moves_) adjustment_ = register_buffer("adjustment", adjustment());
  if (!learns_) return;
  const Tensor count = labels_ * static_cast<double>(std::max<int64_t>(task.labeled, 1));
  noise_ = kNoise * count.clamp_min(1.0).reciprocal().mean().item<double>();
  trust_ = register_buffer("trust", torch::ones({}));
  moved_ = register_buffer("moved", torch::zeros({}));
  updates_ = register_buffer("updates", torch::zeros({}));
  judged_from_ = kEarly * static_cast<double>(task.steps);
  estimate_ = register_module("estimate", RunningMean(labels_));
  contradiction_ = register_module("contradiction", RunningMean(torch::zeros({2})));
  // Says the labels' shares of every example, before it has learnt.
  head_ = register_buffer("head", torch::cat({torch::zeros({features, task.classes}), labels_.log().unsqueeze(0)}));
  velocity_ = register_buffer("velocity", torch::zeros_like(head_));
  gradient_ = register_module("gradient", RunningMean(torch::zeros_like(head_)));
  scale_ = register_module("scale", RunningMean(torch::zeros({})));
}

Tensor PoolSharesImpl::adjusted(const Tensor& logits) const {
  return moves_ ? logits.to(torch::kFloat) + adjustment_ : logits;
}

Tensor PoolSharesImpl::weigh(const SharesEvidence& evidence, Step& step) {
  if (!learns_) return evidence.kept;
  const torch::NoGradGuard no_grad;
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto& [features, y, pseudo_label, kept] = evidence;
  const Tensor x = with_one(features.x);
  const Tensor error = torch::softmax(x.mm(head_), 1) - one_hot_rows(y, labels_.size(0));
  gradient_->observe_sum(x.t().mm(error), x.size(0));
  scale_->observe(x.square().sum(1));

  // Expectation maximisation: the head's predictions, had its labels had the shares estimated so far.
  const Tensor p = torch::softmax(with_one(features.u_weak).mm(head_), 1);
  const Tensor expected = p * (estimate_->value() / labels_).clamp_min(1 / kMostRatio);
  estimate_->observe(expected / expected.sum(1, /*keepdim=*/true));
  // Under the same shares as the pseudo-labels, or those of every common class would contradict.
  const Tensor against = (p * ratio()).argmax(1).ne(pseudo_label).to(torch::kFloat);
  contradiction_->observe(torch::stack({kept * against, kept}, 1));
  step.log({{"shares/least", value_.min()}, {"shares/most", value_.max()}, {"unlabeled/trust", trust_}});
  return kept * trust_ * (1.0 - moved_ * against);
}

// a log(π / π_L), so that the shares h of the head have log h = a log π_L + (1 - a) log π but for a constant; of those
// the flattest has the least variance over the classes.
Tensor PoolSharesImpl::adjustment() const {
  const Tensor pool = torch::log(value_), change = pool - torch::log(labels_);
  const Tensor centred = change - change.mean();
  const Tensor a = (centred * pool).sum() / centred.square().sum().clamp_min(1e-12);
  return a.clamp(0.0, 1.0) * change;
}

void PoolSharesImpl::updated() {
  if (!learns_) return;
  const torch::NoGradGuard no_grad;
  // A step of the labels-only head, of its own: nothing that it does reaches the model or the gradient's norm. Its rate
  // is over the length of the features, so that it fits every net.
  gradient_->move(0.0);
  scale_->move(0.0);
  velocity_.mul_(kHeadMomentum).add_(gradient_->value() + kHeadDecay * head_);
  head_.sub_(kHeadRate / scale_->value().clamp_min(1e-6) * (gradient_->value() + kHeadMomentum * velocity_));

  estimate_->move(1.0 - kEager * (1.0 - decay_));
  contradiction_->move(decay_);
  const Tensor estimate = estimate_->value().clamp_min(kLeastShare);
  const Tensor change = torch::log(estimate / labels_).clamp(-std::log(kMostRatio), std::log(kMostRatio));
  const Tensor distance = ((estimate - labels_) * change).sum();
  const Tensor believed = (1.0 - noise_ / distance.clamp_min(1e-9)).clamp_min(0.0);
  const Tensor wanted = labels_ * torch::exp(believed * change);
  value_.copy_(torch::where(believed.gt(0), wanted / wanted.sum(), labels_));  // to the bit, where nothing is believed
  moved_.copy_(believed);
  adjustment_.copy_(adjustment());
  // Everything contradicts before the head has learnt.
  updates_.add_(1);
  const Tensor against = contradiction_->value()[0] / contradiction_->value()[1].clamp_min(1e-6);
  const Tensor trust = ((kHarm - against) / (kHarm - kDoubt)).clamp(kLeastTrust, 1.0);
  trust_.copy_(torch::where(updates_.ge(judged_from_), trust, torch::ones_like(trust)));
}

}  // namespace fewlabel
