// SimCLR: A Simple Framework for Contrastive Learning of Visual Representations.
// Chen et al., ICML 2020, https://arxiv.org/abs/2002.05709, Algorithm 1.
// Left to the recipe: the views, which matter more than anything here (section 3).
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/joint_embedding.h"

namespace fewlabel {
namespace {

struct SimClrConfig {
  double temperature = 0.2;
  int64_t hidden = 512, dim = 128;
  void fields(FieldVisitor& field) {
    field("temperature", temperature, "divides the cosines (τ)", 0.01, 10.0);
    field("hidden", hidden, "width of the projector", 1, 16384);
    field("dim", dim, "numbers that are compared, the projector's output", 2, 16384);
  }
};

class SimClr final : public Method, public Encoder {
 public:
  SimClr(const SimClrConfig& config, const Task& task, Net net)
      : config_(config), f_(register_module("net", std::move(net))) {
    g_ = register_module(
        "projector", MlpHead(HeadPlan{.sizes = {f_->feature_size(), config.hidden, config.dim}, .norm_at_end = true},
                             task.seed, "projector"));
  }

  Needs needs() const override { return two_views(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    // h = f(x̃), z = g(h) for both views of the N examples in one pass.
    const Tensor z = g_->forward(f_->forward(torch::cat(batch.unlabeled.x)));
    const auto views = z.chunk(2);

    // ℓ(i, j): each view must find its partner among the 2N - 1 others.
    const Tensor loss = nt_xent(views[0], views[1], config_.temperature);

    step.minimize(loss);
    step.embeddings(z);
  }

  Tensor features(const Tensor& x) override { return f_->forward(x); }

 private:
  SimClrConfig config_;
  Net f_;
  MlpHead g_{nullptr};
};

}  // namespace

MethodInfo simclr() {
  return describe_method<SimClr, SimClrConfig>("simclr", "SimCLR", "arXiv:2002.05709", "self/joint_embedding",
                                               joint_embedding_settings(2e-3));
}

}  // namespace fewlabel
