// FreeMatch: Self-adaptive Thresholding for Semi-supervised Learning.
// Wang et al., ICLR 2023, https://arxiv.org/abs/2205.07246, Algorithm 1.
// FixMatch with thresholds that follow the model's own confidence, and a term for fairness between classes.
#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"
#include "methods/common/rotation.h"

namespace fewlabel {
namespace {

struct FreeMatchConfig : ConsistencyConfig {
  double decay = 0.999, lambda_f = 0.001, tau_min = 0.0, tau_max = 1.0;
  void fields(FieldVisitor& field) {
    field("decay", decay, "decay of the moving averages behind the thresholds (λ)", 0.0, 0.99999);
    field("lambda_f", lambda_f, "weight of the fairness term (w_f)", 0.0, 10.0);
    field("tau_min", tau_min, "smallest global threshold", 0.0, 1.0);
    field("tau_max", tau_max, "largest global threshold", 0.0, 1.0);
    ConsistencyConfig::fields(field);
  }
};

/// p / h with zero where h is zero, scaled to sum to 1.
Tensor balanced(const Tensor& p, const Tensor& h) {
  const Tensor ratio = torch::where(h.gt(0), p / h.clamp_min(1e-12), torch::zeros_like(p));
  return ratio / ratio.sum().clamp_min(1e-12);
}

class FreeMatch final : public Method, public Classifier {
 public:
  FreeMatch(const FreeMatchConfig& config, const Task& task, Net net)
      : config_(config),
        classes_(task.classes),
        net_(register_module("net", std::move(net))),
        align_(register_module("align", Alignment(config, task, net_->feature_size()))),
        rotation_(register_module("rotation", Rotation(config.rotation, net_->feature_size(), task))),
        tau_(register_module("tau", RunningMean(torch::full({}, 1.0 / static_cast<double>(classes_))))),
        p_model_(register_module("p_model", RunningMean(torch::full({classes_}, 1.0 / static_cast<double>(classes_))))),
        h_model_(register_module("h_model", RunningMean(p_model_->value()))) {}

  Needs needs() const override { return config_.needs(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const auto [p_x, p_weak, p_strong, features] = forward_consistency(*net_, batch, config_);
    const Tensor loss_r = rotation_->loss(*net_, batch, step);
    const Tensor loss_s = cross_entropy(p_x, batch.labeled.y);

    // τ_t(c) = τ_t p̃_t(c) / max p̃_t (self-adaptive thresholding).
    const Tensor q = align_->forward(probabilities(p_weak));
    const auto [confidence, pseudo_label] = most_probable(q);
    // A class that the pool holds less of than the labels do is no worse learnt for that.
    const Tensor p_model = align_->over_ratio(p_model_->value());
    const Tensor threshold = tau_->value().clamp(config_.tau_min, config_.tau_max) * p_model / p_model.max();
    const Tensor kept = confidence.ge(threshold.index_select(0, pseudo_label)).to(torch::kFloat);
    const Tensor weight = align_->weigh({features, batch.labeled.y, pseudo_label, kept}, step);
    const Tensor loss_u = (weight * cross_entropy_each(align_->adjusted(p_strong), pseudo_label)).mean();
    const Tensor loss_f = config_.lambda_f > 0 ? fairness(p_strong, kept) : torch::zeros({}, loss_s.options());

    tau_->observe(confidence);
    p_model_->observe(q);
    h_model_->observe(one_hot_rows(pseudo_label, classes_));

    step.minimize(loss_s + config_.lambda_u * loss_u + config_.lambda_f * loss_f + loss_r);
    step.pseudo_labels(pseudo_label, kept);
    step.log({{"loss/s", loss_s},
              {"loss/u", loss_u},
              {"pseudo_labels/kept", kept.mean()},
              {"threshold/mean", threshold.mean()},
              {"threshold/min", threshold.min()}});
    if (config_.lambda_f > 0) step.log({{"loss/f", loss_f}});
  }

  void updated(double) override {
    for (auto& average : {tau_, p_model_, h_model_}) RunningMean(average)->move(config_.decay);
    align_->updated();
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  /// L_f = -H(SumNorm(p̃ / h̃), SumNorm(p̄ / h̄)), p̄ and h̄ over the kept strong views (self-adaptive fairness). H is the
  /// cross-entropy, so the term is Σ_c a_c log b_c; zero where nothing was kept.
  Tensor fairness(const Tensor& logits, const Tensor& kept) {
    const Tensor p = torch::softmax(logits.to(torch::kFloat), 1), weight = kept.unsqueeze(1);
    const Tensor count = kept.sum().clamp_min(1.0);
    const Tensor p_mean = (weight * p).sum(0) / count;
    const Tensor h_mean = (weight * one_hot_rows(p.argmax(1), classes_)).sum(0) / count;
    const Tensor target = balanced(p_model_->value(), h_model_->value());
    return kept.max() * (target * torch::log(balanced(p_mean, h_mean) + 1e-12)).sum();
  }

  FreeMatchConfig config_;
  int64_t classes_;
  Net net_;
  Alignment align_;
  Rotation rotation_;
  RunningMean tau_;      // τ_t, the mean confidence
  RunningMean p_model_;  // p̃_t, the mean prediction
  RunningMean h_model_;  // h̃_t, the histogram of the predicted classes
};

}  // namespace

MethodInfo freematch() {
  return describe_method<FreeMatch, FreeMatchConfig>("freematch", "FreeMatch", "arXiv:2205.07246", "semi/correcting",
                                                     Json::object(),
                                                     short_consistency_settings({{"decay", 0.99}, {"lambda_f", 0.0}}));
}

}  // namespace fewlabel
