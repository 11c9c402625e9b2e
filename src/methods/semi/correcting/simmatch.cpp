// SimMatch: Semi-supervised Learning with Similarity Matching.
// Zheng et al., CVPR 2022, https://arxiv.org/abs/2203.06915, section 3 and Algorithm 1.
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ_u R_u(θ) + λ_in R_in(θ): the strong view must have the weak view's class, and must be as
// similar to each labelled example as the weak view is; the two similarities correct each other first.
#include <limits>

#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/heads.h"
#include "methods/common/losses.h"
#include "methods/common/rotation.h"

namespace fewlabel {
namespace {

struct SimMatchConfig : ConsistencyConfig {
  double tau = 0.95, lambda_in = 1.0, temperature = 0.1, alpha = 0.9, bank_decay = 0.7;
  int64_t embedding = 128;
  void fields(FieldVisitor& field) {
    field("tau", tau, "confidence a pseudo-label needs (τ)", 0.0, 1.0);
    field("lambda_in", lambda_in, "weight of the instance loss (λ_in)", 0.0, 1000.0);
    field("temperature", temperature, "of the similarities to labelled examples (t)", 0.01, 10.0);
    field("alpha", alpha, "share of the classifier in a pseudo-label; the rest is the similarities' (α)", 0.0, 1.0);
    field("bank_decay", bank_decay, "decay of the remembered embeddings of labelled examples (m)", 0.0, 0.99999);
    field("embedding", embedding, "numbers in an embedding", 2, 4096);
    ConsistencyConfig::fields(field);
  }
};

class SimMatch final : public Method, public Classifier {
 public:
  SimMatch(const SimMatchConfig& config, const Task& task, Net net)
      : config_(config),
        classes_(task.classes),
        net_(register_module("net", std::move(net))),
        head_(register_module(
            "head",
            MlpHead(HeadPlan{.sizes = {net_->feature_size(), net_->feature_size(), config.embedding}, .norm = false},
                    task.seed, "projection"))),
        align_(register_module("align", Alignment(config, task, net_->feature_size()))),
        rotation_(register_module("rotation", Rotation(config.rotation, net_->feature_size(), task))),
        bank_(register_buffer("bank", torch::zeros({task.labeled, config.embedding}))),
        bank_label_(register_buffer("bank_label", torch::full({task.labeled}, -1, torch::kLong))) {}

  // The instance loss compares with embeddings that this batch has just brought up to date.
  Needs needs() const override {
    Needs needs = config_.needs();
    needs.whole_batch = true;
    return needs;
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const auto [x, weak, strong] = embedded(batch);
    const Tensor loss_r = rotation_->loss(*net_, batch, step);
    // Similarities over a small temperature need more than the three digits of bf16.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const Tensor loss_s = cross_entropy(x.logits, batch.labeled.y);
    remember(batch.labeled, x.z);

    // p^w: semantic similarity, the prediction; q^w: instance similarity, softmax over the labelled examples.
    const Tensor p_w = align_->forward(probabilities(weak.logits));
    const Tensor q_w = torch::softmax(similarity(weak.z), 1);

    // Unfolding: each labelled example counts by the probability of its class, too.
    const Tensor known = bank_label_.ge(0).to(torch::kFloat), label = bank_label_.clamp_min(0);
    const Tensor unfolded = q_w * p_w.index_select(1, label) * known;
    const Tensor q_hat = unfolded / unfolded.sum(1, /*keepdim=*/true).clamp_min(1e-12);
    // Aggregating: the similarities summed by class correct the prediction.
    const Tensor aggregated = q_w.mm(one_hot_rows(label, classes_) * known.unsqueeze(1));
    const Tensor p_hat = config_.alpha * p_w + (1.0 - config_.alpha) * aggregated;

    // L_u: where p̂ is confident, the strong view must agree with it.
    const auto [confidence, pseudo_label] = most_probable(p_hat);
    const Tensor kept = confidence.ge(config_.tau).to(torch::kFloat);
    const Tensor weight = align_->weigh({{x.features, weak.features}, batch.labeled.y, pseudo_label, kept}, step);
    const Tensor loss_u = (weight * cross_entropy_each(align_->adjusted(strong.logits), p_hat)).mean();

    // L_in: and it must be as similar to every labelled example.
    const Tensor log_q_s = torch::log_softmax(similarity(strong.z), 1);
    const Tensor loss_in = -(q_hat * torch::where(known.gt(0), log_q_s, torch::zeros_like(log_q_s))).sum(1).mean();

    step.minimize(loss_s + config_.lambda_u * loss_u + config_.lambda_in * loss_in + loss_r);
    step.pseudo_labels(pseudo_label, kept);
    step.embeddings(strong.z);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"loss/in", loss_in}, {"pseudo_labels/kept", kept.mean()}});
  }

  void updated(double) override { align_->updated(); }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  struct Seen {
    Tensor features, logits, z;
  };
  struct All {
    Seen x, weak, strong;
  };

  Seen see(const Tensor& images) {
    const Tensor features = net_->features(images);
    return {features, net_->classify(features), unit_rows(head_->forward(features))};
  }

  All embedded(const Batch& batch) {
    const Tensor &x = batch.labeled.x.at(0), &weak = batch.unlabeled.x.at(0), &strong = batch.unlabeled.x.at(1);
    const int64_t b = x.size(0), u = strong.size(0);
    const bool together = config_.weak_forward == "together";
    const Seen all = see(together ? torch::cat({x, strong, weak}) : torch::cat({x, strong}));
    const auto part = [&](int64_t from, int64_t to) {
      return Seen{all.features.slice(0, from, to), all.logits.slice(0, from, to), all.z.slice(0, from, to)};
    };
    const Seen own = part(0, b), other = part(b, b + u), last = part(b + u, b + 2 * u);  // empty where weak is apart
    const torch::NoGradGuard no_grad;
    return {own, together ? Seen{last.features.detach(), last.logits.detach(), last.z.detach()} : see(weak), other};
  }

  /// Cosines with the remembered examples over t; those not yet seen are as far away as can be.
  Tensor similarity(const Tensor& z) const {
    return (z.mm(bank_.t()) / config_.temperature)
        .masked_fill(bank_label_.lt(0).unsqueeze(0), -std::numeric_limits<float>::max());
  }

  /// v ← unit(m v + (1 - m) z); an example that is in the batch twice counts by its mean.
  void remember(const Views& labeled, const Tensor& z) {
    const torch::NoGradGuard no_grad;
    const Tensor& index = labeled.index;
    const Tensor sum = torch::zeros_like(bank_).index_add_(0, index, z.detach());
    const Tensor seen = torch::zeros_like(bank_label_).index_fill_(0, index, 1).to(torch::kBool).unsqueeze(1);
    const Tensor mean = torch::nn::functional::normalize(sum);
    const Tensor moved =
        torch::where(bank_label_.ge(0).unsqueeze(1), torch::lerp(mean, bank_, config_.bank_decay), mean);
    bank_.copy_(torch::where(seen, torch::nn::functional::normalize(moved), bank_));
    bank_label_.index_put_({index}, labeled.y);
  }

  SimMatchConfig config_;
  int64_t classes_;
  Net net_;
  MlpHead head_;
  Alignment align_;
  Rotation rotation_;
  Tensor bank_, bank_label_;  // unit vectors of the labelled examples and their classes, -1 before they are seen
};

}  // namespace

MethodInfo simmatch() {
  return describe_method<SimMatch, SimMatchConfig>("simmatch", "SimMatch", "arXiv:2203.06915", "semi/correcting",
                                                   Json::object(), short_consistency_settings());
}

}  // namespace fewlabel
