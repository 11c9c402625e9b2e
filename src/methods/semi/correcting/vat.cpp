// Virtual Adversarial Training, with entropy minimisation.
// Miyato et al., TPAMI 2018, https://arxiv.org/abs/1704.03976, Algorithm 1; Grandvalet and Bengio, NeurIPS 2004.
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ(t) R(θ): R is how much the worst small change of the input changes the prediction, and how
// unsure the prediction is.
#include "fewlabel/method.h"
#include "methods/common/dropout_guard.h"
#include "methods/common/forward.h"
#include "methods/common/losses.h"
#include "methods/common/ramp.h"
#include "methods/common/statistics_guard.h"

namespace fewlabel {
namespace {

struct VatConfig {
  double epsilon = 6.0, xi = 0.1, lambda_u = 0.3, lambda_entropy = 0.06, ramp = 0.4;
  int64_t power_iterations = 1, mu = 1;
  std::string labeled_view = "weak", view = "weak";
  void fields(FieldVisitor& field) {
    field("epsilon", epsilon, "Euclidean length of the adversarial change of a normalised input (ε)", 0.0, 1000.0);
    field("xi", xi, "length of the change that the direction is sought with (ξ)", 1e-8, 100.0);
    field("power_iterations", power_iterations, "steps towards the worst direction (K)", 1, 10);
    field("lambda_u", lambda_u, "largest weight of the adversarial loss (λ; the paper's α)", 0.0, 100.0);
    field("lambda_entropy", lambda_entropy, "largest weight of the entropy; 0 is VAT without EntMin", 0.0, 100.0);
    field("ramp", ramp, "share of the run over which both weights rise", 0.0, 1.0);
    field("mu", mu, "unlabelled examples per labelled one", 1, 64);
    field("labeled_view", labeled_view, "view of the labelled examples", {"weak", "strong"});
    field("view", view, "view of the unlabelled examples", {"weak", "strong"});
  }
};

/// Each example scaled to Euclidean length 1.
Tensor unit(const Tensor& d) {
  std::vector<int64_t> each(static_cast<std::size_t>(d.dim()), 1);
  each[0] = d.size(0);
  return d / d.flatten(1).norm(2, 1).clamp_min(1e-12).view(each);
}

class Vat final : public Method, public Classifier {
 public:
  Vat(const VatConfig& config, const Task&, Net net)
      : config_(config),
        net_(register_module("net", std::move(net))),
        lambda_(register_buffer("lambda", torch::full({}, weight(0.0)))) {}

  // The direction starts from noise that is drawn for the batch as a whole.
  Needs needs() const override {
    return {.labeled = {config_.labeled_view}, .unlabeled = {config_.view}, .ratio = config_.mu, .whole_batch = true};
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& u = batch.unlabeled.x.at(0);
    const auto [p_x, p_u] = forward_together(*net_, batch.labeled.x.at(0), u);
    const Tensor loss_s = cross_entropy(p_x, batch.labeled.y);

    // LDS(x, θ) = D[p(y | x, θ̂), p(y | x + r_vadv, θ)], θ̂ the weights as a constant.
    const Tensor p = predicted(u), e = net_->embed(u);
    const Tensor adversary = e + worst_change(e.detach(), p);
    const Tensor loss_u = divergence_each(p, forward_adversary(adversary)).mean();
    const Tensor entropy = entropy_each(p_u).mean();

    step.minimize(loss_s + lambda_ * (config_.lambda_u * loss_u + config_.lambda_entropy * entropy));
    const auto [confidence, label] = most_probable(p);
    const Tensor kept = torch::ones_like(confidence);
    step.pseudo_labels(label, kept);
    step.log({{"loss/s", loss_s},
              {"loss/u", loss_u},
              {"entropy", entropy},
              {"pseudo_labels/kept", kept.mean()},
              {"lambda", lambda_}});
  }

  void updated(double progress) override { lambda_.fill_(weight(progress)); }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  double weight(double progress) const { return linear_ramp(progress, config_.ramp); }

  /// p(y | x, θ̂) from a pass like those that it is compared with: of x alone, as batch norm sees them, without dropout
  /// within the net, and in fp32. Only so is D zero at r = 0, which is what the power iteration rests on.
  Tensor predicted(const Tensor& x) {
    const torch::NoGradGuard no_grad;
    const StatisticsGuard still(*net_);
    const DropoutGuard whole(*net_);
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    return probabilities(net_->forward(x));
  }

  /// r_vadv = ε d: d is the direction in which D grows fastest, by power iteration on its Hessian. In fp32 throughout:
  /// a change of length ξ would be lost in bf16.
  Tensor worst_change(const Tensor& x, const Tensor& p) {
    const StatisticsGuard still(*net_);
    const DropoutGuard whole(*net_);
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    Tensor d = unit(net_->noise(x));
    for (int64_t k = 0; k < config_.power_iterations; ++k) {
      d.set_requires_grad(true);
      const Tensor distance = divergence_each(p, net_->forward(x + config_.xi * d)).sum();
      d = unit(torch::autograd::grad({distance}, {d})[0]);
    }
    return config_.epsilon * d;
  }

  Tensor forward_adversary(const Tensor& x) {
    const StatisticsGuard still(*net_);
    const DropoutGuard whole(*net_);
    return net_->forward(x);
  }

  VatConfig config_;
  Net net_;
  Tensor lambda_;
};

}  // namespace

MethodInfo vat() {
  return describe_method<Vat, VatConfig>("vat", "VAT", "arXiv:1704.03976", "semi/correcting", Json::object(),
                                         {{"method", {{"lambda_u", 1.0}, {"mu", 2}, {"labeled_view", "strong"}}}});
}

}  // namespace fewlabel
