// Π-model: Temporal Ensembling for Semi-Supervised Learning.
// Laine and Aila, ICLR 2017, https://arxiv.org/abs/1610.02242, Algorithm 1.
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ(t) R(θ): R is how far two passes over one example, each with noise of its own, lie apart.
#include "fewlabel/method.h"
#include "methods/common/forward.h"
#include "methods/common/losses.h"
#include "methods/common/ramp.h"

namespace fewlabel {
namespace {

struct PiModelConfig {
  double lambda_u = 10.0, ramp = 0.4;
  int64_t mu = 1;
  std::string labeled_view = "weak", view = "weak";
  void fields(FieldVisitor& field) {
    field("lambda_u", lambda_u, "largest weight of the consistency loss (λ; the paper's w_max)", 0.0, 1000.0);
    field("ramp", ramp, "share of the run over which that weight rises", 0.0, 1.0);
    field("mu", mu, "unlabelled examples per labelled one", 1, 64);
    field("labeled_view", labeled_view, "view of the labelled examples", {"weak", "strong"});
    field("view", view, "view that both passes over an unlabelled example draw from", {"weak", "strong"});
  }
};

class PiModel final : public Method, public Classifier {
 public:
  PiModel(const PiModelConfig& config, const Task&, Net net)
      : config_(config),
        net_(register_module("net", std::move(net))),
        lambda_(register_buffer("lambda", torch::full({}, weight(0.0)))) {}

  Needs needs() const override {
    return {.labeled = {config_.labeled_view}, .unlabeled = {config_.view, config_.view}, .ratio = config_.mu};
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    // z and z̃: two draws of the augmentation, and of dropout where the net has it.
    const auto parts = forward_parts(*net_, {batch.labeled.x.at(0), batch.unlabeled.x.at(0), batch.unlabeled.x.at(1)});
    const Tensor z = softmax_rows(parts[1]), z_tilde = softmax_rows(parts[2]);

    const Tensor loss_s = cross_entropy(parts[0], batch.labeled.y);

    // R(θ): both passes learn.
    const Tensor loss_u = squared_difference_each(z, z_tilde).mean();

    step.minimize(loss_s + lambda_ * loss_u);
    const auto [confidence, label] = most_probable(z.detach());
    const Tensor kept = torch::ones_like(confidence);
    step.pseudo_labels(label, kept);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}, {"lambda", lambda_}});
  }

  void updated(double progress) override { lambda_.fill_(weight(progress)); }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  double weight(double progress) const { return config_.lambda_u * sigmoid_ramp(progress, config_.ramp); }

  PiModelConfig config_;
  Net net_;
  Tensor lambda_;
};

}  // namespace

MethodInfo pi_model() {
  return describe_method<PiModel, PiModelConfig>(
      "pi_model", "Π-model", "arXiv:1610.02242", "semi/correcting", Json::object(),
      {{"method", {{"lambda_u", 50.0}, {"mu", 2}, {"labeled_view", "strong"}}}});
}

}  // namespace fewlabel
