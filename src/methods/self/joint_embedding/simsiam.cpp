// SimSiam: Exploring Simple Siamese Representation Learning.
// Chen and He, CVPR 2021, https://arxiv.org/abs/2011.10566, Algorithm 1.
// BYOL without the slow average: the stop of the gradient alone keeps the embeddings apart.
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/joint_embedding.h"

namespace fewlabel {
namespace {

struct SimSiamConfig {
  int64_t hidden = 512, dim = 512, bottleneck = 128;
  void fields(FieldVisitor& field) {
    field("hidden", hidden, "width of the projector", 1, 16384);
    field("dim", dim, "numbers that are compared, the projector's output", 2, 16384);
    field("bottleneck", bottleneck, "width of the predictor", 1, 16384);
  }
};

class SimSiam final : public Method, public Encoder {
 public:
  SimSiam(const SimSiamConfig& config, const Task& task, Net net) : f_(register_module("net", std::move(net))) {
    g_ = register_module(
        "projector", MlpHead(HeadPlan{.sizes = {f_->feature_size(), config.hidden, config.dim}, .norm_at_end = true},
                             task.seed, "projector"));
    h_ = register_module(
        "predictor", MlpHead(HeadPlan{.sizes = {config.dim, config.bottleneck, config.dim}}, task.seed, "predictor"));
  }

  Needs needs() const override { return two_views(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor z1 = g_->forward(f_->forward(batch.unlabeled.x.at(0)));
    const Tensor z2 = g_->forward(f_->forward(batch.unlabeled.x.at(1)));
    const Tensor p1 = h_->forward(z1), p2 = h_->forward(z2);

    // L = D(p1, stopgrad(z2)) / 2 + D(p2, stopgrad(z1)) / 2.
    const Tensor loss = (negative_cosine(p1, z2) + negative_cosine(p2, z1)) / 2;

    step.minimize(loss);
    step.embeddings(z1);
  }

  Tensor features(const Tensor& x) override { return f_->forward(x); }

 private:
  Net f_;
  MlpHead g_{nullptr}, h_{nullptr};
};

}  // namespace

MethodInfo simsiam() {
  return describe_method<SimSiam, SimSiamConfig>("simsiam", "SimSiam", "arXiv:2011.10566", "self/joint_embedding",
                                                 joint_embedding_settings(2e-3));
}

}  // namespace fewlabel
