// Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks.
// Lee, ICML workshop 2013. Starts from the labels, then lets the model correct itself on the unlabelled examples:
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ R(θ), with λ rising from 0 (the paper's α(t), equation 16).
#include <algorithm>

#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"

namespace fewlabel {
namespace {

struct PseudoLabelConfig {
  double tau = 0.95, lambda_u = 1.0, start = 0.1, full = 0.4, align_decay = 0.999;
  int64_t mu = 1;
  std::string view = "weak";
  bool align = false;
  void fields(FieldVisitor& field) {
    field("tau", tau, "confidence a pseudo-label needs (τ); 0 uses all, as the paper does", 0.0, 1.0);
    field("lambda_u", lambda_u, "final weight of the unlabelled loss (λ; the paper's α_f)", 0.0, 1000.0);
    field("start", start, "share of the run that learns from the labels alone (T₁)", 0.0, 1.0);
    field("full", full, "share of the run at which λ is whole (T₂)", 0.0, 1.0);
    field("mu", mu, "unlabelled examples per labelled one", 1, 64);
    field("view", view, "view of all examples", {"weak", "strong"});
    field("align", align, "align the predictions with the class shares of the labels");
    field("align_decay", align_decay, "decay of the average prediction used by align", 0.0, 0.99999);
  }
};

ConsistencyConfig alignment_of(const PseudoLabelConfig& config) {
  ConsistencyConfig result;
  result.align = config.align;
  result.align_decay = config.align_decay;
  return result;
}

class PseudoLabel final : public Method, public Classifier {
 public:
  PseudoLabel(const PseudoLabelConfig& config, const Task& task, Net net)
      : config_(config),
        net_(register_module("net", std::move(net))),
        align_(register_module("align", Alignment(alignment_of(config), task))),
        lambda_(register_buffer("lambda", torch::zeros({}))) {
    if (config.full < config.start)
      throw Error(ErrorKind::usage, "method pseudo_label", "full lies before start", "choose full ≥ start");
    updated(0.0);
  }

  Needs needs() const override { return {.labeled = {config_.view}, .unlabeled = {config_.view}, .ratio = config_.mu}; }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const auto [p_x, p_u] = forward_together(*net_, batch.labeled.x.at(0), batch.unlabeled.x.at(0));

    // Σ L(yᵢ, ŷᵢ): the labels.
    const Tensor loss_s = cross_entropy(p_x, batch.labeled.y);

    // R(θ): the model's own predictions as if they were labels, where they are confident.
    const auto [confidence, pseudo_label] = most_probable(align_->forward(probabilities(p_u)));
    const Tensor kept = confidence.ge(config_.tau).to(torch::kFloat);
    const Tensor loss_u = (kept * cross_entropy_each(p_u, pseudo_label)).mean();

    step.minimize(loss_s + lambda_ * loss_u);
    step.pseudo_labels(pseudo_label, kept);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}, {"lambda", lambda_}});
  }

  void updated(double progress) override {
    const double ramp = config_.full > config_.start
                            ? std::clamp((progress - config_.start) / (config_.full - config_.start), 0.0, 1.0)
                            : (progress >= config_.start ? 1.0 : 0.0);
    lambda_.fill_(config_.lambda_u * ramp);
    align_->updated();
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  PseudoLabelConfig config_;
  Net net_;
  Alignment align_;
  Tensor lambda_;
};

}  // namespace

MethodInfo pseudo_label() {
  return describe_method<PseudoLabel, PseudoLabelConfig>("pseudo_label", "Pseudo-Label", "Lee 2013", "semi/correcting");
}

}  // namespace fewlabel
