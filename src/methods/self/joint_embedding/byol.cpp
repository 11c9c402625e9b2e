// BYOL: Bootstrap Your Own Latent, A New Approach to Self-Supervised Learning.
// Grill et al., NeurIPS 2020, https://arxiv.org/abs/2006.07733, Algorithm 1.
// No negatives: the online network predicts what a slow average of itself says of the other view.
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/joint_embedding.h"
#include "methods/common/momentum.h"

namespace fewlabel {
namespace {

struct ByolConfig {
  double tau = 0.98;
  int64_t hidden = 1024, dim = 256;
  void fields(FieldVisitor& field) {
    field("tau", tau, "decay of the target's average at the start; it rises to 1 (τ_base)", 0.0, 1.0);
    field("hidden", hidden, "width of projector and predictor", 1, 16384);
    field("dim", dim, "numbers that are compared, the projector's output", 2, 16384);
  }
};

class Byol final : public Method, public Encoder {
 public:
  Byol(const ByolConfig& config, const Task& task, Net net)
      : config_(config), f_(register_module("net", std::move(net))) {
    // The predictor's batch norm takes away what a bias would add.
    g_ = register_module(
        "projector", MlpHead(HeadPlan{.sizes = {f_->feature_size(), config.hidden, config.dim}, .bias_at_end = false},
                             task.seed, "projector"));
    q_ = register_module("predictor",
                         MlpHead(HeadPlan{.sizes = {config.dim, config.hidden, config.dim}}, task.seed, "predictor"));
    f_xi_ = register_module("target_net", frozen_copy(*f_));
    g_xi_ = register_module("target_projector", g_->frozen_copy());
  }

  Needs needs() const override { return two_views(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor &v1 = batch.unlabeled.x.at(0), &v2 = batch.unlabeled.x.at(1);
    const Tensor z1 = g_->forward(f_->forward(v1)), z2 = g_->forward(f_->forward(v2));

    // L = ‖q̄(z) - z̄'_ξ‖² both ways round, of unit vectors: 2 - 2 cos.
    const Tensor loss =
        4.0 + 2.0 * (negative_cosine(q_->forward(z1), target(v2)) + negative_cosine(q_->forward(z2), target(v1)));

    step.minimize(loss);
    step.embeddings(z1);
  }

  // ξ ← τ ξ + (1 - τ) θ, τ rising to 1.
  void updated(double progress) override {
    const double tau = rising_decay(config_.tau, progress);
    follow(*f_xi_, *f_, tau);
    follow(*g_xi_, *g_, tau);
  }

  Tensor features(const Tensor& x) override { return f_->forward(x); }

 private:
  Tensor target(const Tensor& v) {
    const torch::NoGradGuard no_grad;
    return g_xi_->forward(f_xi_->forward(v));
  }

  ByolConfig config_;
  Net f_, f_xi_;
  MlpHead g_{nullptr}, q_{nullptr}, g_xi_{nullptr};
};

}  // namespace

MethodInfo byol() {
  return describe_method<Byol, ByolConfig>("byol", "BYOL", "arXiv:2006.07733", "self/joint_embedding",
                                           joint_embedding_settings(2e-3));
}

}  // namespace fewlabel
