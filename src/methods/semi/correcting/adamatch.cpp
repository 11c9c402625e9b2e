// AdaMatch: A Unified Approach to Semi-Supervised Learning and Domain Adaptation.
// Roelofs et al., ICLR 2022, https://arxiv.org/abs/2106.04732, Algorithm 1.
// L(θ) = Σ L(yᵢ, ŷᵢ) + μ(t) R(θ): R is FixMatch's, with predictions aligned to those on labelled examples and a
// threshold relative to the confidence on them.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/forward.h"
#include "methods/common/losses.h"
#include "methods/common/pool_shares.h"
#include "methods/common/statistics_guard.h"

namespace fewlabel {
namespace {

struct AdaMatchConfig {
  double tau = 0.9, lambda_u = 1.0, ramp = 0.5, align_decay = 0.999;
  int64_t mu = 7;
  bool interpolate = true;
  std::string align_to = "labels";
  void fields(FieldVisitor& field) {
    field("tau", tau, "threshold as a share of the mean confidence on the labelled weak views (τ)", 0.0, 1.0);
    field("lambda_u", lambda_u, "final weight of the unlabelled loss", 0.0, 1000.0);
    field("ramp", ramp, "share of the run over which that weight rises (μ(t))", 0.0, 1.0);
    field("mu", mu, "unlabelled examples per labelled one", 1, 64);
    field("interpolate", interpolate, "random logit interpolation: mix logits of two passes over the labelled");
    field("align_decay", align_decay, "decay of the average predictions that are aligned", 0.0, 0.99999);
    align_to_field(field, align_to);
  }
};

class AdaMatch final : public Method, public Classifier {
 public:
  AdaMatch(const AdaMatchConfig& config, const Task& task, Net net)
      : config_(config),
        net_(register_module("net", std::move(net))),
        labeled_mean_(register_module("labeled_mean", RunningMean(class_share(task)))),
        unlabeled_mean_(register_module("unlabeled_mean", RunningMean(class_share(task)))),
        shares_(register_module(
            "shares", PoolShares(PoolSharesConfig{config.align_to, config.align_decay}, task, net_->feature_size()))),
        lambda_(register_buffer("lambda", torch::full({}, weight(0.0)))) {}

  // The interpolation draws noise, and the threshold is a mean over the batch.
  Needs needs() const override {
    return {.labeled = {"weak", "strong"}, .unlabeled = {"weak", "strong"}, .ratio = config_.mu, .whole_batch = true};
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const auto& x = batch.labeled.x;
    const auto& u = batch.unlabeled.x;

    // Z': labelled and unlabelled as one batch. Z'': the labelled alone, so that batch norm sees them otherwise.
    const int64_t b = 2 * x.at(0).size(0), n = u.at(0).size(0);
    const Tensor features = net_->features(torch::cat({x.at(0), x.at(1), u.at(0), u.at(1)}));
    const auto parts = net_->classify(features).split_with_sizes({b, n, n});
    const Tensor z_x =
        config_.interpolate ? interpolated(parts[0], torch::cat({x[0], x[1]})) : parts[0].to(torch::kFloat);
    const auto halves = z_x.chunk(2);
    const Tensor loss_s = cross_entropy(halves[0], batch.labeled.y) + cross_entropy(halves[1], batch.labeled.y);

    // Distribution alignment: the weak predictions should be spread over the classes as those on labelled examples are.
    const Tensor p_x = probabilities(halves[0]), p_u = probabilities(parts[1]);
    const Tensor ratio =
        shares_->ratio() * labeled_mean_->value().clamp_min(1e-6) / unlabeled_mean_->value().clamp_min(1e-6);
    const Tensor target = p_u * ratio / (p_u * ratio).sum(1, /*keepdim=*/true);

    // Relative threshold: c_τ = τ times the mean confidence on the labelled weak views.
    const auto [confidence, label] = most_probable(target);
    const Tensor kept = confidence.ge(config_.tau * p_x.amax(1).mean()).to(torch::kFloat);
    const Tensor weight = shares_->weigh(
        {{features.slice(0, b / 2, b), features.slice(0, b, b + n)}, batch.labeled.y, label, kept}, step);
    const Tensor loss_u = (weight * cross_entropy_each(shares_->adjusted(parts[2]), target)).mean();

    labeled_mean_->observe(p_x);
    unlabeled_mean_->observe(p_u);

    step.minimize(loss_s + lambda_ * loss_u);
    step.pseudo_labels(label, kept);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}, {"lambda", lambda_}});
  }

  void updated(double progress) override {
    lambda_.fill_(weight(progress));
    labeled_mean_->move(config_.align_decay);
    unlabeled_mean_->move(config_.align_decay);
    shares_->updated();
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  /// μ(t) = ½ - ½ cos(min(π, 2 π t)), whole at half of the run.
  double weight(double t) const {
    const double angle = config_.ramp > 0 ? std::min(1.0, t / config_.ramp) : 1.0;
    return config_.lambda_u * (0.5 - 0.5 * std::cos(std::numbers::pi * angle));
  }

  /// λ Z' + (1 - λ) Z'' with λ ~ U(0, 1) for each logit.
  Tensor interpolated(const Tensor& together, const Tensor& x) {
    const StatisticsGuard still(*net_);
    const Tensor alone = net_->forward(x).to(torch::kFloat);
    return torch::lerp(alone, together.to(torch::kFloat), torch::rand_like(alone));
  }

  AdaMatchConfig config_;
  Net net_;
  RunningMean labeled_mean_, unlabeled_mean_;
  PoolShares shares_;
  Tensor lambda_;
};

}  // namespace

MethodInfo adamatch() {
  return describe_method<AdaMatch, AdaMatchConfig>(
      "adamatch", "AdaMatch", "arXiv:2106.04732", "semi/correcting", Json::object(),
      {{"method", {{"ramp", 0.3}, {"mu", 4}, {"align_decay", 0.99}, {"align_to", "learnt"}}}});
}

}  // namespace fewlabel
