// FlexMatch: Boosting Semi-Supervised Learning with Curriculum Pseudo Labeling.
// Zhang et al., NeurIPS 2021, https://arxiv.org/abs/2110.08263, Algorithm 1.
// FixMatch with a threshold per class: the fewer unlabelled examples a class has won so far, the lower.
#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"
#include "methods/common/rotation.h"

namespace fewlabel {
namespace {

struct FlexMatchConfig : ConsistencyConfig {
  double tau = 0.95;
  bool thresh_warmup = true;
  void fields(FieldVisitor& field) {
    field("tau", tau, "largest threshold of a class (τ)", 0.0, 1.0);
    field("thresh_warmup", thresh_warmup, "examples not yet won by any class hold the thresholds down");
    ConsistencyConfig::fields(field);
    strong_field(field);
  }
};

class FlexMatch final : public Method, public Classifier {
 public:
  FlexMatch(const FlexMatchConfig& config, const Task& task, Net net)
      : config_(config),
        net_(register_module("net", std::move(net))),
        align_(register_module("align", Alignment(config, task, net_->feature_size()))),
        rotation_(register_module("rotation", Rotation(config.rotation, net_->feature_size(), task))),
        won_by_(register_buffer("won_by", torch::full({std::max<int64_t>(task.unlabeled, 1)}, -1, torch::kLong))),
        beta_(register_buffer("beta", torch::zeros({task.classes}))) {}

  Needs needs() const override { return config_.needs(); }
  // How many strong views are kept is read from the GPU.
  bool replayable() const override { return config_.strong_forward != "kept"; }

  void learn(const Batch& batch, Step& step) override {
    ConsistencyLogits p = forward_consistency(*net_, batch, config_);

    // T_t(c) = M(β_t(c)) τ with the convex map M(β) = β / (2 - β).
    const auto [confidence, pseudo_label] = most_probable(align_->forward(probabilities(p.u_weak)));
    const Tensor threshold = config_.tau * beta_ / (2.0 - beta_);
    const Tensor kept = confidence.ge(threshold.index_select(0, pseudo_label)).to(torch::kFloat);
    finish_consistency(p, *net_, batch, kept);
    const Tensor loss_s = cross_entropy(p.x, batch.labeled.y);
    const Tensor loss_r = rotation_->loss(*net_, batch, step);
    const Tensor weight = align_->weigh({p.features, batch.labeled.y, pseudo_label, kept}, step);
    const Tensor loss_u = (weight * cross_entropy_each(align_->adjusted(p.u_strong), pseudo_label)).mean();

    // An example is won by the class that last predicted it above τ itself.
    const Tensor& index = batch.unlabeled.index;
    const Tensor winner = torch::where(confidence.ge(config_.tau), pseudo_label, won_by_.index_select(0, index));
    won_by_.index_put_({index}, winner);

    step.minimize(loss_s + config_.lambda_u * loss_u + loss_r);
    step.pseudo_labels(pseudo_label, kept);
    step.log({{"loss/s", loss_s},
              {"loss/u", loss_u},
              {"pseudo_labels/kept", kept.mean()},
              {"threshold/mean", threshold.mean()},
              {"threshold/min", threshold.min()}});
  }

  void updated(double) override {
    // σ(c), the examples won by class c, and those won by none (slot 0); β(c) = σ(c) / the largest.
    const Tensor ones = torch::ones(won_by_.sizes(), beta_.options());
    const Tensor won = torch::zeros({beta_.size(0) + 1}, beta_.options()).scatter_add_(0, won_by_ + 1, ones);
    // A class that the pool holds less of than the labels do is no worse learnt for that.
    const Tensor sigma = align_->over_ratio(won.slice(0, 1));
    const Tensor most = config_.thresh_warmup ? torch::maximum(sigma.max(), won[0]) : sigma.max();
    beta_.copy_(sigma / most.clamp_min(1.0));
    align_->updated();
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  FlexMatchConfig config_;
  Net net_;
  Alignment align_;
  Rotation rotation_;
  Tensor won_by_;  // class that won each unlabelled example, -1 for none
  Tensor beta_;    // learning status of each class
};

}  // namespace

MethodInfo flexmatch() {
  return describe_method<FlexMatch, FlexMatchConfig>("flexmatch", "FlexMatch", "arXiv:2110.08263", "semi/correcting",
                                                     Json::object(), short_consistency_settings());
}

}  // namespace fewlabel
