// FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence.
// Sohn et al., NeurIPS 2020, https://arxiv.org/abs/2001.07685, Algorithm 1.
// Left to the trainer: weight decay, and the weight average used for evaluation.
#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"
#include "methods/common/rotation.h"

namespace fewlabel {
namespace {

struct FixMatchConfig : ConsistencyConfig {
  double tau = 0.95;
  void fields(FieldVisitor& field) {
    field("tau", tau, "confidence a pseudo-label needs (τ)", 0.0, 1.0);
    ConsistencyConfig::fields(field);
    strong_field(field);
  }
};

class FixMatch final : public Method, public Classifier {
 public:
  FixMatch(const FixMatchConfig& config, const Task& task, Net net)
      : config_(config),
        net_(register_module("net", std::move(net))),
        align_(register_module("align", Alignment(config, task, net_->feature_size()))),
        rotation_(register_module("rotation", Rotation(config.rotation, net_->feature_size(), task))) {}

  Needs needs() const override { return config_.needs(); }
  // How many strong views are kept is read from the GPU.
  bool replayable() const override { return config_.strong_forward != "kept"; }

  void learn(const Batch& batch, Step& step) override {
    // p_m(y | ·) of the labelled, the weak and the strong views.
    ConsistencyLogits p = forward_consistency(*net_, batch, config_);

    // q: the prediction on the weak view is the target, where it is confident enough.
    const auto [confidence, pseudo_label] = most_probable(align_->forward(probabilities(p.u_weak)));
    const Tensor kept = confidence.ge(config_.tau).to(torch::kFloat);
    finish_consistency(p, *net_, batch, kept);

    // ℓ_s: cross-entropy on the labelled examples.
    const Tensor loss_s = cross_entropy(p.x, batch.labeled.y);

    // ℓ_u: the strong view must agree with it; masked examples count as zero in the mean.
    const Tensor weight = align_->weigh({p.features, batch.labeled.y, pseudo_label, kept}, step);
    const Tensor loss_u = (weight * cross_entropy_each(align_->adjusted(p.u_strong), pseudo_label)).mean();

    const Tensor loss_r = rotation_->loss(*net_, batch, step);
    step.minimize(loss_s + config_.lambda_u * loss_u + loss_r);
    step.pseudo_labels(pseudo_label, kept);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}});
  }

  void updated(double) override { align_->updated(); }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  FixMatchConfig config_;
  Net net_;
  Alignment align_;
  Rotation rotation_;
};

}  // namespace

MethodInfo fixmatch() {
  return describe_method<FixMatch, FixMatchConfig>("fixmatch", "FixMatch", "arXiv:2001.07685", "semi/correcting",
                                                   Json::object(), short_consistency_settings());
}

}  // namespace fewlabel
