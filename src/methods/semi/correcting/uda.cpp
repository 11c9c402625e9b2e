// Unsupervised Data Augmentation for Consistency Training.
// Xie et al., NeurIPS 2020, https://arxiv.org/abs/1904.12848, sections 2 and 3.
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ R(θ): R is the divergence of the strong view's prediction from the sharpened one of the weak
// view, where that is confident. Labels that are learnt already are left out while they would be overfitted (TSA).
#include <cmath>

#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"
#include "methods/common/rotation.h"

namespace fewlabel {
namespace {

struct UdaConfig : ConsistencyConfig {
  double tau = 0.8, temperature = 0.4;
  std::string tsa = "none";
  void fields(FieldVisitor& field) {
    field("tau", tau, "confidence a target needs (τ; the paper's β)", 0.0, 1.0);
    field("temperature", temperature, "targets are sharpened by this (T); 1 leaves them", 0.01, 1.0);
    field("tsa", tsa, "training signal annealing: how the confidence above which a label is left out rises",
          {"none", "log", "linear", "exp"});
    ConsistencyConfig::fields(field);
  }
};

class Uda final : public Method, public Classifier {
 public:
  Uda(const UdaConfig& config, const Task& task, Net net)
      : config_(config),
        classes_(static_cast<double>(task.classes)),
        net_(register_module("net", std::move(net))),
        align_(register_module("align", Alignment(config, task, net_->feature_size()))),
        rotation_(register_module("rotation", Rotation(config.rotation, net_->feature_size(), task))),
        eta_(register_buffer("eta", torch::full({}, annealed(0.0)))) {}

  Needs needs() const override {
    Needs needs = config_.needs();
    needs.whole_batch = config_.tsa != "none";  // the labelled loss then divides by how many were left in
    return needs;
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const auto [p_x, p_weak, p_strong, features] = forward_consistency(*net_, batch, config_);

    const Tensor loss_r = rotation_->loss(*net_, batch, step);

    // Labelled examples whose label has a probability above η_t are left out.
    const Tensor loss_each = cross_entropy_each(p_x, batch.labeled.y);
    const Tensor left = torch::exp(-loss_each.detach()).le(eta_).to(torch::kFloat);
    const Tensor loss_s = (left * loss_each).sum() / left.sum().clamp_min(1.0);

    // The target: the weak view's prediction, sharpened; used where it was confident before.
    const Tensor p = align_->forward(probabilities(p_weak));
    const auto [confidence, label] = most_probable(p);
    const Tensor kept = confidence.ge(config_.tau).to(torch::kFloat);
    const Tensor power = p.pow(1.0 / config_.temperature), target = power / power.sum(1, /*keepdim=*/true);
    const Tensor weight = align_->weigh({features, batch.labeled.y, label, kept}, step);
    const Tensor loss_u = (weight * divergence_each(target, align_->adjusted(p_strong))).mean();

    step.minimize(loss_s + config_.lambda_u * loss_u + loss_r);
    step.pseudo_labels(label, kept);
    step.log(
        {{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}, {"labels/left", left.mean()}});
  }

  void updated(double progress) override {
    eta_.fill_(annealed(progress));
    align_->updated();
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  /// η_t = α_t (1 - 1/C) + 1/C, α_t from 0 to 1: 1 - exp(-5 t), t or exp(5 (t - 1)).
  double annealed(double t) const {
    if (config_.tsa == "none") return 1.0;
    const double alpha = config_.tsa == "log"      ? 1.0 - std::exp(-5.0 * t)
                         : config_.tsa == "linear" ? t
                                                   : std::exp(5.0 * (t - 1.0));
    return alpha * (1.0 - 1.0 / classes_) + 1.0 / classes_;
  }

  UdaConfig config_;
  double classes_;
  Net net_;
  Alignment align_;
  Rotation rotation_;
  Tensor eta_;
};

}  // namespace

MethodInfo uda() {
  return describe_method<Uda, UdaConfig>("uda", "UDA", "arXiv:1904.12848", "semi/correcting", Json::object(),
                                         short_consistency_settings());
}

}  // namespace fewlabel
