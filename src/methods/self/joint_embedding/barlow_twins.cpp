// Barlow Twins: Self-Supervised Learning via Redundancy Reduction.
// Zbontar et al., ICML 2021, https://arxiv.org/abs/2103.03230, Algorithm 1.
// The two views' features must correlate one to one, and with no other feature: no negatives, no second network.
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/joint_embedding.h"

namespace fewlabel {
namespace {

struct BarlowTwinsConfig {
  double lambda = 0.005;
  int64_t hidden = 512, dim = 512;
  void fields(FieldVisitor& field) {
    field("lambda", lambda, "weight of the entries off the diagonal (λ)", 0.0, 1.0);
    field("hidden", hidden, "width of the projector's two hidden layers", 1, 16384);
    field("dim", dim, "features that are made uncorrelated, the projector's output", 2, 16384);
  }
};

class BarlowTwins final : public Method, public Encoder {
 public:
  BarlowTwins(const BarlowTwinsConfig& config, const Task& task, Net net)
      : config_(config), f_(register_module("net", std::move(net))) {
    g_ = register_module(
        "projector",
        MlpHead(HeadPlan{.sizes = {f_->feature_size(), config.hidden, config.hidden, config.dim}, .bias_at_end = false},
                task.seed, "projector"));
  }

  Needs needs() const override { return two_views(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor z_a = g_->forward(f_->forward(batch.unlabeled.x.at(0)));
    const Tensor z_b = g_->forward(f_->forward(batch.unlabeled.x.at(1)));

    // C = ẑ_aᵀ ẑ_b / N; L = Σ_i (1 - C_ii)² + λ Σ_i Σ_{j≠i} C_ij².
    const Tensor loss = barlow_twins_loss(z_a, z_b, config_.lambda);

    step.minimize(loss);
    step.embeddings(z_a);
  }

  Tensor features(const Tensor& x) override { return f_->forward(x); }

 private:
  BarlowTwinsConfig config_;
  Net f_;
  MlpHead g_{nullptr};
};

}  // namespace

MethodInfo barlow_twins() {
  return describe_method<BarlowTwins, BarlowTwinsConfig>("barlow_twins", "Barlow Twins", "arXiv:2103.03230",
                                                         "self/joint_embedding", joint_embedding_settings(2e-3));
}

}  // namespace fewlabel
