// SoftMatch: Addressing the Quantity-Quality Trade-off in Semi-supervised Learning.
// Chen et al., ICLR 2023, https://arxiv.org/abs/2301.10921, Algorithm 1.
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ R(θ): FixMatch without a threshold. A pseudo-label counts by a Gaussian in its confidence,
// truncated above the mean.
#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"
#include "methods/common/rotation.h"

namespace fewlabel {
namespace {

struct SoftMatchConfig : ConsistencyConfig {
  double n_sigma = 2.0, decay = 0.999;
  bool uniform = true;
  void fields(FieldVisitor& field) {
    field("n_sigma", n_sigma, "standard deviations below the mean at which the weight is e^-½ of whole", 0.1, 100.0);
    field("decay", decay, "decay of the moving averages behind the weights (m)", 0.0, 0.99999);
    field("uniform", uniform, "uniform alignment: weigh as if every class were predicted equally often");
    ConsistencyConfig::fields(field);
  }
};

/// A task that says nothing about its classes, so that predictions are aligned with the uniform distribution.
Task without_shares(Task task) {
  task.class_share.clear();
  return task;
}

class SoftMatch final : public Method, public Classifier {
 public:
  SoftMatch(const SoftMatchConfig& config, const Task& task, Net net)
      : config_(config),
        net_(register_module("net", std::move(net))),
        align_(register_module("align", Alignment(config, task, net_->feature_size()))),
        uniform_(register_module(
            "uniform",
            Alignment(ConsistencyConfig{.align = config.uniform, .align_decay = config.decay}, without_shares(task)))),
        rotation_(register_module("rotation", Rotation(config.rotation, net_->feature_size(), task))),
        batch_(register_module("batch", RunningMean(torch::zeros({2})))),
        mu_(register_buffer("mu", torch::full({}, 1.0 / static_cast<double>(task.classes)))),
        variance_(register_buffer("variance", torch::ones({}))) {}

  Needs needs() const override { return config_.needs(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const auto [p_x, p_weak, p_strong, features] = forward_consistency(*net_, batch, config_);
    const Tensor loss_r = rotation_->loss(*net_, batch, step);
    const Tensor loss_s = cross_entropy(p_x, batch.labeled.y);

    // The prediction gives the pseudo-label; what it is worth is judged after uniform alignment.
    const Tensor p = align_->forward(probabilities(p_weak));
    const Tensor pseudo_label = p.argmax(1);
    const Tensor confidence = uniform_->forward(p).amax(1);

    // λ(p) = exp(-(max p - μ_t)² / (2 σ_t² / n²)) below the mean μ_t, 1 above it.
    const Tensor below = (confidence - mu_).clamp_max(0.0) * config_.n_sigma;
    const Tensor lambda = torch::exp(-below.square() / (2.0 * variance_.clamp_min(1e-12)));
    const Tensor weight = align_->weigh({features, batch.labeled.y, pseudo_label, lambda}, step);
    const Tensor loss_u = (weight * cross_entropy_each(align_->adjusted(p_strong), pseudo_label)).mean();

    batch_->observe(torch::stack({confidence, confidence.square()}, 1));

    step.minimize(loss_s + config_.lambda_u * loss_u + loss_r);
    step.pseudo_labels(pseudo_label, lambda);
    step.log({{"loss/s", loss_s},
              {"loss/u", loss_u},
              {"pseudo_labels/kept", lambda.mean()},
              {"confidence/mean", mu_},
              {"confidence/deviation", variance_.sqrt()}});
  }

  void updated(double) override {
    // μ_t and σ_t² follow the mean and the variance of the update's batch.
    batch_->move(0.0);
    const Tensor mean = batch_->value()[0], square = batch_->value()[1];
    mu_.lerp_(mean, 1.0 - config_.decay);
    variance_.lerp_(square - mean.square(), 1.0 - config_.decay);
    uniform_->updated();
    align_->updated();
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  SoftMatchConfig config_;
  Net net_;
  Alignment align_, uniform_;
  Rotation rotation_;
  RunningMean batch_;     // mean confidence of the update's batch, and mean square
  Tensor mu_, variance_;  // μ_t and σ_t²
};

}  // namespace

MethodInfo softmatch() {
  return describe_method<SoftMatch, SoftMatchConfig>("softmatch", "SoftMatch", "arXiv:2301.10921", "semi/correcting",
                                                     Json::object(), short_consistency_settings({{"decay", 0.99}}));
}

}  // namespace fewlabel
