// Semi-Supervised Learning with Ladder Networks.
// Rasmus et al., NeurIPS 2015, https://arxiv.org/abs/1507.02672, Algorithm 1.
// L(θ) = Σ L(yᵢ, ŷᵢ) + R(θ): R = Σ_l λ_l ‖z⁽ˡ⁾ - ẑ⁽ˡ⁾‖² is how badly a decoder, going down beside a noisy pass through
// the encoder, restores what each layer of a clean pass holds.
#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "methods/common/losses.h"
#include "methods/common/pixels.h"
#include "nets/initialise.h"
#include "nets/ladder_mlp.h"

namespace fewlabel {
namespace {

struct LadderConfig {
  double noise = 0.3, weight_input = 1000.0, weight_first = 10.0, weight_rest = 0.1;
  int64_t mu = 1;
  std::string labeled_view = "none", view = "none";
  void fields(FieldVisitor& field) {
    field("noise", noise, "standard deviation of the noise on every layer, and on pixels in [0, 1]", 0.0, 10.0);
    field("weight_input", weight_input, "denoising weight of the input (λ₀), as pixels in [0, 1]", 0.0, 1e6);
    field("weight_first", weight_first, "denoising weight of the first layer (λ₁)", 0.0, 1e6);
    field("weight_rest", weight_rest, "denoising weight of every further layer (λ₂ … λ_L)", 0.0, 1e6);
    field("mu", mu, "unlabelled examples per labelled one", 1, 64);
    field("labeled_view", labeled_view, "view of the labelled examples", {"none", "weak", "strong"});
    field("view", view, "view of the unlabelled examples", {"none", "weak", "strong"});
  }
};

/// ẑ⁽ˡ⁾ = g(z̃⁽ˡ⁾, u⁽ˡ⁾) for one layer, with u⁽ˡ⁾ = batchnorm(V⁽ˡ⁺¹⁾ ẑ⁽ˡ⁺¹⁾).
class DecoderLayerImpl : public torch::nn::Module {
 public:
  /// above: size of the layer above; 0 for the top one, which has no V.
  DecoderLayerImpl(int64_t width, int64_t above) {
    if (above > 0) v_ = register_module("v", torch::nn::Linear(torch::nn::LinearOptions(above, width).bias(false)));
    // a₁ … a₁₀. The authors start all at 0 but a₂ = a₇ = 1, so that no weight below learns from the first step.
    Tensor a = torch::zeros({10, width});
    a[0].fill_(0.1);
    a[1].fill_(1.0);
    a[5].fill_(0.1);
    a[6].fill_(1.0);
    a_ = register_parameter("a", a);
  }

  Tensor project(const Tensor& z_above) { return normalised_by_batch(v_->forward(z_above).to(torch::kFloat)); }

  /// The combinator "gauss": ẑ = (z̃ - μ(u)) v(u) + μ(u), best where z is Gaussian given u.
  Tensor forward(const Tensor& z_noisy, const Tensor& u) {
    const Tensor mu = a_[0] * torch::sigmoid(a_[1] * u + a_[2]) + a_[3] * u + a_[4];
    const Tensor v = a_[5] * torch::sigmoid(a_[6] * u + a_[7]) + a_[8] * u + a_[9];
    return (z_noisy - mu) * v + mu;
  }

 private:
  torch::nn::Linear v_{nullptr};
  Tensor a_;
};
TORCH_MODULE(DecoderLayer);

class Ladder final : public Method, public Classifier {
 public:
  Ladder(const LadderConfig& config, const Task& task, Net net)
      : config_(config),
        net_(std::dynamic_pointer_cast<LadderMlp>(net)),
        pixels_(register_module("pixels", Pixels(task))) {
    if (!net_) throw Error(ErrorKind::usage, "method ladder", "needs the net ladder_mlp", "leave net.name out");
    register_module("net", net_);
    const auto& widths = net_->widths();
    for (std::size_t l = 0; l < widths.size(); ++l)
      decoder_->push_back(DecoderLayer(widths[l], l + 1 < widths.size() ? widths[l + 1] : 0));
    register_module("decoder", decoder_);
    initialise(*decoder_, task.seed, "decoder");
  }

  // Noise of its own, and batch norm in every layer.
  Needs needs() const override {
    return {.labeled = {config_.labeled_view}, .unlabeled = {config_.view}, .ratio = config_.mu, .whole_batch = true};
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& u = batch.unlabeled.x.at(0);
    // Noise and error of the input are those of pixels in [0, 1], whatever the inputs were divided by.
    const Tensor pixel = pixels_->deviation().expand_as(u.slice(0, 0, 1)).flatten(1), noise = config_.noise / pixel;

    // Labelled and unlabelled examples are normalised apart. The labels are learnt under noise.
    const Tensor loss_s =
        cross_entropy(net_->corrupted(batch.labeled.x.at(0), config_.noise, noise).logits, batch.labeled.y);
    const LadderMlp::Pass noisy = net_->corrupted(u, config_.noise, noise), clean = net_->clean(u);

    // The decoder, from the top down; each layer is compared after the clean pass's batch norm.
    Tensor loss_u = torch::zeros({}, loss_s.options()), z_hat;
    for (auto l = static_cast<int64_t>(clean.z.size()) - 1; l >= 0; --l) {
      const auto at = static_cast<std::size_t>(l);
      DecoderLayer layer(decoder_->ptr<DecoderLayerImpl>(at));
      const Tensor from_above =
          z_hat.defined() ? layer->project(z_hat) : normalised_by_batch(softmax_rows(noisy.logits));
      z_hat = layer->forward(noisy.z[at], from_above);
      const Tensor error = clean.z[at] - (z_hat - clean.mean[at]) / clean.deviation[at];
      loss_u = loss_u + weight(at) * (l == 0 ? pixel * error : error).square().mean();
    }

    step.minimize(loss_s + loss_u);
    const auto [confidence, label] = most_probable(probabilities(clean.logits));
    const Tensor kept = torch::ones_like(confidence);
    step.pseudo_labels(label, kept);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}});
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  double weight(std::size_t layer) const {
    return layer == 0 ? config_.weight_input : layer == 1 ? config_.weight_first : config_.weight_rest;
  }

  LadderConfig config_;
  std::shared_ptr<LadderMlp> net_;
  Pixels pixels_;
  torch::nn::ModuleList decoder_;
};

}  // namespace

MethodInfo ladder() {
  return describe_method<Ladder, LadderConfig>(
             "ladder", "Ladder Network", "arXiv:1507.02672", "semi/correcting",
             {{"net", {{"name", "ladder_mlp"}}},
              {"optimizer", {{"name", "adamw"}, {"lr", 2e-3}, {"weight_decay", 0.0}, {"schedule", "linear"}}},
              {"train", {{"batch", 100}}}},
             {{"method", {{"labeled_view", "weak"}, {"view", "weak"}}}})
      .of({Kind::image});
}

}  // namespace fewlabel
