// DINO: Emerging Properties in Self-Supervised Vision Transformers.
// Caron et al., ICCV 2021, https://arxiv.org/abs/2104.14294, Algorithm 1.
// A student predicts the classes that its own slow average, the teacher, gives the other view; centring and sharpening
// the teacher's output keep it from collapsing.
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/joint_embedding.h"
#include "methods/common/momentum.h"
#include "methods/common/running_mean.h"

namespace fewlabel {
namespace {

struct DinoConfig : MultiCropConfig {
  double student_temperature = 0.1, teacher_temperature = 0.04, warm_temperature = 0.04, warmup = 0.3;
  double tau = 0.98, center_decay = 0.9;
  int64_t prototypes = 1024, hidden = 512, dim = 128;
  void fields(FieldVisitor& field) {
    field("student_temperature", student_temperature, "divides the student's outputs (τ_s)", 0.01, 10.0);
    field("teacher_temperature", teacher_temperature, "divides the teacher's outputs (τ_t)", 0.001, 10.0);
    field("warm_temperature", warm_temperature, "τ_t at the start", 0.001, 10.0);
    field("warmup", warmup, "share of the run in which τ_t goes from the one to the other", 0.0, 1.0);
    field("tau", tau, "decay of the teacher's average at the start; it rises to 1 (λ)", 0.0, 1.0);
    field("center_decay", center_decay, "decay of the average output that is the centre (m)", 0.0, 1.0);
    field("prototypes", prototypes, "outputs (K)", 2, 65536);
    field("hidden", hidden, "width of the projector's two hidden layers", 1, 16384);
    field("dim", dim, "width before the outputs", 2, 16384);
    MultiCropConfig::fields(field);
  }
};

class Dino final : public Method, public Encoder {
 public:
  Dino(const DinoConfig& config, const Task& task, Net net)
      : config_(config), f_s_(register_module("net", std::move(net))) {
    g_s_ = register_module("projector",
                           MlpHead(HeadPlan{.sizes = {f_s_->feature_size(), config.hidden, config.hidden, config.dim}},
                                   task.seed, "projector"));
    w_s_ = register_module("prototypes", Prototypes(config.dim, config.prototypes, task.seed));
    f_t_ = register_module("teacher_net", frozen_copy(*f_s_));
    g_t_ = register_module("teacher_projector", g_s_->frozen_copy());
    w_t_ = register_module("teacher_prototypes", w_s_->frozen_copy());
    center_ = register_module("center", RunningMean(torch::zeros({config.prototypes})));
    temperature_ = register_buffer("temperature", torch::full({}, config.warm_temperature));
  }

  Needs needs() const override { return config_.needs(); }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const auto& x = batch.unlabeled.x;
    const Tensor z = g_s_->forward(f_s_->forward(torch::cat(x)));
    const Tensor s = w_s_->forward(z) / config_.student_temperature;
    const Tensor t = teach(torch::cat({x.at(0), x.at(1)}));  // the large views alone

    // P_t: centred and sharpened. L: the mean over views i of the teacher and j ≠ i of the student of H(P_t, P_s).
    const Tensor p_t = torch::softmax((t - center_->value()) / temperature_, 1);
    const Tensor loss = swapped_cross_entropy(p_t.chunk(2), s.chunk(static_cast<int64_t>(x.size())));

    step.minimize(loss);
    center_->observe(t);
    step.embeddings(z);
  }

  // θ_t ← λ θ_t + (1 - λ) θ_s, c ← m c + (1 - m) mean of the teacher's outputs, and τ_t warms up.
  void updated(double progress) override {
    const double tau = rising_decay(config_.tau, progress);
    follow(*f_t_, *f_s_, tau);
    follow(*g_t_, *g_s_, tau);
    follow(*w_t_, *w_s_, tau);
    center_->move(config_.center_decay);
    const double warm = config_.warmup > 0 ? std::min(progress / config_.warmup, 1.0) : 1.0;
    temperature_.fill_(config_.warm_temperature + warm * (config_.teacher_temperature - config_.warm_temperature));
  }

  Tensor features(const Tensor& x) override { return f_t_->forward(x); }
  Net backbone() override { return f_t_; }

 private:
  Tensor teach(const Tensor& x) {
    const torch::NoGradGuard no_grad;
    return w_t_->forward(g_t_->forward(f_t_->forward(x)));
  }

  DinoConfig config_;
  Net f_s_, f_t_;
  MlpHead g_s_{nullptr}, g_t_{nullptr};
  Prototypes w_s_{nullptr}, w_t_{nullptr};
  RunningMean center_{nullptr};
  Tensor temperature_;
};

}  // namespace

MethodInfo dino() {
  return describe_method<Dino, DinoConfig>("dino", "DINO", "arXiv:2104.14294", "self/joint_embedding",
                                           joint_embedding_settings(2e-3));
}

}  // namespace fewlabel
