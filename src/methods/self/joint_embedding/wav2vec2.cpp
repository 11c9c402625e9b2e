// wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations.
// Baevski et al., NeurIPS 2020, https://arxiv.org/abs/2006.11477, sections 2 and 3; what the paper leaves open as in
// the authors' code (fairseq). Frames are hidden; from the others the net tells which of a few sounds was there.
#include <algorithm>
#include <cmath>

#include "fewlabel/error.h"
#include "methods/common/ctc.h"
#include "methods/common/losses.h"
#include "methods/common/spans.h"
#include "nets/initialise.h"

namespace fewlabel {
namespace {

struct Wav2Vec2Config {
  double start = 0.065, temperature = 0.1, diversity = 0.1, penalty = 10, encoder_gradient = 0.1;
  double softness = 2.0, softness_end = 0.5;
  int64_t span = 10, groups = 2, codes = 64, dim = 128;
  std::string view = "weak";
  void fields(FieldVisitor& field) {
    field("start", start, "share of the frames at which a hidden span begins (p)", 0.0, 1.0);
    field("span", span, "frames of a hidden span (M)", 1, 1000);
    field("temperature", temperature, "divides the cosines (κ)", 0.01, 10.0);
    field("groups", groups, "codebooks of which one entry each makes a sound (G)", 1, 64);
    field("codes", codes, "entries of a codebook (V); 320 in the paper", 2, 10000);
    field("dim", dim, "numbers that are compared; 256 in the paper", 2, 16384);
    field("diversity", diversity, "weight of using all entries alike (α)", 0.0, 100.0);
    field("penalty", penalty, "weight of the mean square of what the convolutions give", 0.0, 1000.0);
    field("encoder_gradient", encoder_gradient, "what the gradient of the convolutions is multiplied by", 0.0, 1.0);
    field("softness", softness, "temperature of the Gumbel softmax that chooses entries, at the start", 0.05, 100.0);
    field("softness_end", softness_end, "the same at the end", 0.05, 100.0);
    field("view", view, "view of the recordings", {"none", "weak", "contrast"});
  }
};

/// One entry of each codebook, side by side, chosen by what a frame sounds like (section 2, quantization module).
class QuantizerImpl : public torch::nn::Module {
 public:
  QuantizerImpl(const Wav2Vec2Config& config, int64_t size) : groups_(config.groups), codes_(config.codes) {
    const int64_t each = (config.dim + groups_ - 1) / groups_;
    norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({size})));
    choose_ = register_module("choose", GlorotLinear(size, groups_ * codes_));
    entries_ = register_module("entries", torch::nn::Embedding(groups_ * codes_, each));
    out_ = register_module("out", GlorotLinear(groups_ * each, config.dim));
  }
  struct Chosen {
    Tensor q;         // N × T × dim
    Tensor softened;  // N × T × groups × codes: probabilities without noise
  };
  Chosen forward(const Tensor& latents, double softness) {
    const int64_t n = latents.size(0), t = latents.size(1);
    const Tensor logits = choose_->forward(norm_->forward(latents)).view({n, t, groups_, codes_}).to(torch::kFloat);
    const Tensor uniform = torch::rand(logits.sizes(), torch::kFloat).to(logits.device()).clamp(1e-10, 1 - 1e-7);
    const Tensor soft = torch::softmax((logits - torch::log(-torch::log(uniform))) / softness, 3);
    const Tensor hard = torch::zeros_like(soft).scatter_(3, soft.argmax(3, /*keepdim=*/true), 1.0);
    // Straight through: hard forward, the gradient of the soft choice backward. Equal choices stay equal to the bit.
    const Tensor choice = hard + (soft - soft.detach());
    const Tensor entries = entries_->weight.view({groups_, codes_, -1});
    const Tensor picked = torch::einsum("ntgv,gvd->ntgd", {choice, entries}).flatten(2);
    return {out_->forward(picked), torch::softmax(logits, 3)};
  }

 private:
  int64_t groups_, codes_;
  torch::nn::LayerNorm norm_{nullptr};
  GlorotLinear choose_{nullptr}, out_{nullptr};
  torch::nn::Embedding entries_{nullptr};
};
TORCH_MODULE(Quantizer);

ContextEncoder& context_encoder(NetModule& net) {
  if (auto* encoder = dynamic_cast<ContextEncoder*>(&net)) return *encoder;
  throw Error(ErrorKind::usage, "method wav2vec2", "the net does not make frames that it reads in each other's light",
              "use net=wav2vec2");
}

class Wav2Vec2 final : public Method, public Encoder {
 public:
  Wav2Vec2(const Wav2Vec2Config& config, const Task& task, Net net)
      : config_(config), steps_(std::max<int64_t>(task.steps, 1)), net_(register_module("net", std::move(net))) {
    const int64_t size = context_encoder(*net_).latent_size();
    quantizer_ = register_module("quantizer", Quantizer(config, size));
    out_ = register_module("out", GlorotLinear(net_->feature_size(), config.dim));
    mask_ = register_module("mask", torch::nn::Embedding(1, net_->feature_size()));
    initialise(*quantizer_, task.seed, "init quantizer");
    initialise(*out_, task.seed, "init out");
    initialise(*mask_, task.seed, "init mask");
    updates_ = register_buffer("updates", torch::zeros({}, torch::kLong));
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1}; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& x = batch.unlabeled.x.at(0);
    ContextEncoder& net = context_encoder(*net_);
    const Tensor raw = net.latents(x);
    const double share = config_.encoder_gradient;
    const Tensor z = share * raw + (1 - share) * raw.detach();
    const Tensor heard = sounding(x, z.size(1));
    const Tensor hidden = hidden_spans(heard, {.start = config_.start, .length = config_.span});

    const Tensor embedded = net.embedded(z);
    const Tensor c = net.context(torch::where(hidden.unsqueeze(2), mask_->weight.to(embedded.dtype()), embedded));
    const auto [q, softened] = quantizer_->forward(z, softness());
    const auto [loss_m, told] = told_apart(out_->forward(c), q, hidden, config_.temperature);

    // L_d = 1 / (G V) Σ_g -H(p̄_g), equation 4.
    const Tensor weight = heard.to(torch::kFloat).unsqueeze(2).unsqueeze(3);
    const Tensor p = (weight * softened).sum(at::IntArrayRef{0, 1}) / weight.sum().clamp_min(1);
    const Tensor each = (p * torch::log(p + 1e-7)).sum(1);
    const Tensor loss_d = each.sum() / static_cast<double>(p.numel());
    const Tensor loss_f = raw.to(torch::kFloat).square().mean();

    step.minimize(loss_m + config_.diversity * loss_d + config_.penalty * loss_f);
    step.embeddings(c.mean(1));
    step.log({{"loss/told", loss_m}, {"frames/told", told}, {"codes/used", torch::exp(-each).mean()}});
  }

  void updated(double) override { updates_.add_(1); }
  Tensor features(const Tensor& x) override { return net_->features(x); }

 private:
  /// From one temperature to the other over the run, by the same factor each step.
  double softness() const {
    const double share = std::min(1.0, static_cast<double>(updates_.item<int64_t>()) / static_cast<double>(steps_));
    return config_.softness * std::pow(config_.softness_end / config_.softness, share);
  }

  Wav2Vec2Config config_;
  int64_t steps_;
  Net net_;
  Quantizer quantizer_{nullptr};
  GlorotLinear out_{nullptr};
  torch::nn::Embedding mask_{nullptr};  // stands where a frame is hidden
  Tensor updates_;
};

}  // namespace

MethodInfo wav2vec2() {
  return describe_method<Wav2Vec2, Wav2Vec2Config>(
             "wav2vec2", "wav2vec 2.0", "arXiv:2006.11477", "self/joint_embedding",
             {{"data", {{"mels", 0}}},
              {"net", {{"name", "wav2vec2"}}},
              {"optimizer", {{"name", "adamw"}, {"lr", 5e-4}, {"weight_decay", 0.01}, {"warmup", 0.08}, {"clip", 1.0}}},
              {"train", {{"batch", 64}, {"average", 0.0}}}})
      .of({Kind::audio});
}

}  // namespace fewlabel
