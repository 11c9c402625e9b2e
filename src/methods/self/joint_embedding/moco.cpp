// MoCo v2: Improved Baselines with Momentum Contrastive Learning.
// Chen et al., 2020, https://arxiv.org/abs/2003.04297; Algorithm 1 of MoCo, He et al., CVPR 2020,
// https://arxiv.org/abs/1911.05722.
// The keys of the batches before are the negatives: many of them, whatever the batch.
#include "fewlabel/random.h"
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/joint_embedding.h"
#include "methods/common/momentum.h"

namespace fewlabel {
namespace {

struct MocoConfig {
  double temperature = 0.2, momentum = 0.99;
  int64_t queue = 4096, hidden = 512, dim = 128;
  void fields(FieldVisitor& field) {
    field("temperature", temperature, "divides the cosines (τ)", 0.01, 10.0);
    field("momentum", momentum, "decay of the average that encodes the keys (m)", 0.0, 1.0);
    field("queue", queue, "keys that are remembered (K)", 16, 1 << 20);
    field("hidden", hidden, "width of the projector", 1, 16384);
    field("dim", dim, "numbers that are compared, the projector's output", 2, 16384);
  }
};

/// Random unit vectors, keyed, so that the queue is full from the start.
Tensor random_directions(int64_t count, int64_t dim, uint64_t seed) {
  Random random({.seed = seed, .purpose = "queue"});
  Tensor rows = torch::empty({count, dim});
  float* out = rows.data_ptr<float>();
  for (int64_t i = 0; i < count * dim; ++i) out[i] = static_cast<float>(random.normal());
  return unit_rows(rows);
}

class Moco final : public Method, public Encoder {
 public:
  Moco(const MocoConfig& config, const Task& task, Net net)
      : config_(config), f_q_(register_module("net", std::move(net))) {
    g_q_ = register_module("projector", MlpHead(HeadPlan{.sizes = {f_q_->feature_size(), config.hidden, config.dim}},
                                                task.seed, "projector"));
    f_k_ = register_module("key_net", frozen_copy(*f_q_));
    g_k_ = register_module("key_projector", g_q_->frozen_copy());
    queue_ = register_buffer("queue", random_directions(config.queue, config.dim, task.seed));
    next_ = register_buffer("next", torch::zeros({}, torch::kLong));
  }

  Needs needs() const override { return two_views(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor q = unit_rows(g_q_->forward(f_q_->forward(batch.unlabeled.x.at(0))));
    const Tensor k = key(batch.unlabeled.x.at(1));

    // q must find k among k itself and the queue.
    const Tensor loss = info_nce(q, k, queue_, config_.temperature);

    step.minimize(loss);
    enqueue(k);
    step.embeddings(q);
  }

  // θ_k ← m θ_k + (1 - m) θ_q.
  void updated(double) override {
    follow(*f_k_, *f_q_, config_.momentum);
    follow(*g_k_, *g_q_, config_.momentum);
  }

  Tensor features(const Tensor& x) override { return f_q_->forward(x); }

 private:
  Tensor key(const Tensor& x) {
    const torch::NoGradGuard no_grad;
    return unit_rows(g_k_->forward(f_k_->forward(x)));
  }

  /// The newest keys take the place of the oldest.
  void enqueue(const Tensor& k) {
    const torch::NoGradGuard no_grad;
    const Tensor newest = k.slice(0, 0, std::min(k.size(0), queue_.size(0)));
    const int64_t n = newest.size(0);
    queue_.index_copy_(0, torch::arange(n, next_.options()).add(next_).remainder(queue_.size(0)), newest);
    next_.add_(n).remainder_(queue_.size(0));
  }

  MocoConfig config_;
  Net f_q_, f_k_;
  MlpHead g_q_{nullptr}, g_k_{nullptr};
  Tensor queue_, next_;
};

}  // namespace

MethodInfo moco() {
  return describe_method<Moco, MocoConfig>("moco", "MoCo v2", "arXiv:2003.04297", "self/joint_embedding",
                                           joint_embedding_settings(2e-3));
}

}  // namespace fewlabel
