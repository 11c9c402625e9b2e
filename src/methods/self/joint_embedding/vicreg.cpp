// VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning.
// Bardes, Ponce and LeCun, ICLR 2022, https://arxiv.org/abs/2105.04906, Algorithm 1.
// Views agree; each feature keeps its variance; different features do not covary.
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/joint_embedding.h"

namespace fewlabel {
namespace {

struct VicregConfig {
  double lambda = 25.0, mu = 25.0, nu = 1.0;
  int64_t hidden = 512, dim = 512;
  void fields(FieldVisitor& field) {
    field("lambda", lambda, "weight of the invariance between views (λ)", 0.0, 1000.0);
    field("mu", mu, "weight of the variance of each feature (μ)", 0.0, 1000.0);
    field("nu", nu, "weight of the covariance between features (ν)", 0.0, 1000.0);
    field("hidden", hidden, "width of the expander's two hidden layers", 1, 16384);
    field("dim", dim, "numbers that are compared, the expander's output", 2, 16384);
  }
};

class Vicreg final : public Method, public Encoder {
 public:
  Vicreg(const VicregConfig& config, const Task& task, Net net)
      : config_(config), f_(register_module("net", std::move(net))) {
    h_ = register_module(
        "projector",
        MlpHead(HeadPlan{.sizes = {f_->feature_size(), config.hidden, config.hidden, config.dim}, .bias_at_end = false},
                task.seed, "projector"));
  }

  Needs needs() const override { return two_views(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor z = h_->forward(f_->forward(batch.unlabeled.x.at(0)));
    const Tensor z_prime = h_->forward(f_->forward(batch.unlabeled.x.at(1)));

    // ℓ = λ s(Z, Z') + μ [v(Z) + v(Z')] / 2 + ν [c(Z) + c(Z')]; the half, as the mean in s, is the authors' code.
    const auto [s, v, c] = vicreg_terms(z, z_prime);
    const Tensor loss = config_.lambda * s + config_.mu * v + config_.nu * c;

    step.minimize(loss);
    step.embeddings(z);
    step.log({{"loss/invariance", s}, {"loss/variance", v}, {"loss/covariance", c}});
  }

  Tensor features(const Tensor& x) override { return f_->forward(x); }

 private:
  VicregConfig config_;
  Net f_;
  MlpHead h_{nullptr};
};

}  // namespace

MethodInfo vicreg() {
  return describe_method<Vicreg, VicregConfig>("vicreg", "VICReg", "arXiv:2105.04906", "self/joint_embedding",
                                               joint_embedding_settings(2e-3));
}

}  // namespace fewlabel
