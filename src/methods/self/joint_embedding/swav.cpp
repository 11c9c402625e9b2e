// SwAV: Unsupervised Learning of Visual Features by Contrasting Cluster Assignments.
// Caron et al., NeurIPS 2020, https://arxiv.org/abs/2006.09882, Algorithm 1 (appendix A).
// Each view must predict to which prototypes the other was assigned; all prototypes are used alike.
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/joint_embedding.h"

namespace fewlabel {
namespace {

struct SwavConfig : MultiCropConfig {
  double temperature = 0.1, epsilon = 0.05;
  int64_t iterations = 3, prototypes = 256, hidden = 512, dim = 128;
  void fields(FieldVisitor& field) {
    field("temperature", temperature, "divides the cosines of the predictions (τ)", 0.01, 10.0);
    field("epsilon", epsilon, "softness of the assignments (ε)", 0.01, 10.0);
    field("iterations", iterations, "Sinkhorn-Knopp iterations of an assignment", 1, 100);
    field("prototypes", prototypes, "prototypes (K)", 2, 65536);
    field("hidden", hidden, "width of the projector", 1, 16384);
    field("dim", dim, "the projector's output", 2, 16384);
    MultiCropConfig::fields(field);
  }
};

class Swav final : public Method, public Encoder {
 public:
  Swav(const SwavConfig& config, const Task& task, Net net)
      : config_(config), f_(register_module("net", std::move(net))) {
    g_ = register_module("projector", MlpHead(HeadPlan{.sizes = {f_->feature_size(), config.hidden, config.dim}},
                                              task.seed, "projector"));
    c_ = register_module("prototypes", Prototypes(config.dim, config.prototypes, task.seed));
  }

  Needs needs() const override { return config_.needs(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor z = g_->forward(f_->forward(torch::cat(batch.unlabeled.x)));
    const Tensor scores = c_->forward(z);  // zᵀC
    const auto views = static_cast<int64_t>(batch.unlabeled.x.size());

    // q: the codes of the two large views, for which every prototype is used alike.
    std::vector<Tensor> q;
    for (const Tensor& view : scores.detach().chunk(views))
      if (q.size() < 2) q.push_back(sinkhorn(view, config_.epsilon, config_.iterations));

    // L(z_t, z_s) = ℓ(z_t, q_s) + ℓ(z_s, q_t): each code is predicted from every other view.
    const Tensor loss = swapped_cross_entropy(q, (scores / config_.temperature).chunk(views));

    step.minimize(loss);
    step.embeddings(z);
  }

  Tensor features(const Tensor& x) override { return f_->forward(x); }

 private:
  SwavConfig config_;
  Net f_;
  MlpHead g_{nullptr};
  Prototypes c_{nullptr};
};

}  // namespace

MethodInfo swav() {
  return describe_method<Swav, SwavConfig>("swav", "SwAV", "arXiv:2006.09882", "self/joint_embedding",
                                           joint_embedding_settings(2e-3));
}

}  // namespace fewlabel
