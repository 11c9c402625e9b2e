// Variational autoencoder: Auto-Encoding Variational Bayes.
// Kingma and Welling, ICLR 2014, https://arxiv.org/abs/1312.6114, algorithm 1 with the estimator of equation 10.
// The code is a distribution that is kept near a standard normal one, from which new images can then be drawn.
#include "fewlabel/method.h"
#include "methods/common/coding.h"
#include "methods/common/pixels.h"
#include "methods/common/sampling.h"

namespace fewlabel {
namespace {

struct VaeConfig : CodingConfig {
  double beta = 1.0;
  VaeConfig() {
    code = 16;
    loss = "gaussian";
  }
  void fields(FieldVisitor& field) {
    field("beta", beta, "weight of the divergence from the prior (β); the paper has 1", 0.0, 1000.0);
    CodingConfig::fields(field);
  }
};

class Vae final : public Method, public Encoder, public Reconstructor, public Sampler {
 public:
  Vae(const VaeConfig& config, const Task& task, Net net) : config_(config) {
    const Coding coding = make_coding(config, task, std::move(net), 2 * config.code);
    q_phi_ = register_module("encoder", coding.encoder);
    p_theta_ = register_module("decoder", coding.decoder);
    pixels_ = register_module("pixels", Pixels(task));
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = true}; }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor x = pixels_->to_pixels(batch.unlabeled.x.at(0));
    const auto [mu, log_variance] = posterior(batch.unlabeled.x.at(0));
    const Tensor z = mu + torch::exp(0.5 * log_variance) * torch::randn_like(mu);  // z = μ + σ ⊙ ε
    const Tensor y = p_theta_->forward(z);

    // -L(θ, φ; x) = D_KL(q_φ(z|x) ‖ N(0, I)) - log p_θ(x|z), with D_KL = ½ Σ (μ² + σ² - 1 - log σ²).
    const Tensor loss_reconstruction = reconstruction_loss(config_.loss, x, y);
    const Tensor divergence = 0.5 * (mu.square() + log_variance.exp() - 1.0 - log_variance).sum(1).mean();

    step.minimize(loss_reconstruction + config_.beta * divergence);
    step.embeddings(mu);
    step.log({{"loss/reconstruction", loss_reconstruction},
              {"loss/divergence", divergence},
              {"error/pixel", error_per_pixel(x, y)}});
  }

  Tensor features(const Tensor& x) override { return posterior(x).first; }
  Tensor reconstruct(const Tensor& x) override { return torch::sigmoid(p_theta_->forward(posterior(x).first)); }
  Tensor sample(const SampleRequest& request) override {
    const Tensor z = seeded_normal({request.count, config_.code}, request.seed);
    return torch::sigmoid(p_theta_->forward(z.to(p_theta_->parameters().front().device())));
  }

 private:
  /// μ and log σ² of q_φ(z|x), in fp32.
  std::pair<Tensor, Tensor> posterior(const Tensor& x) {
    const auto halves = q_phi_->forward(x).to(torch::kFloat).chunk(2, 1);
    return {halves[0], halves[1]};
  }

  VaeConfig config_;
  Coder q_phi_, p_theta_;
  Pixels pixels_{nullptr};
};

}  // namespace

MethodInfo vae() {
  return describe_method<Vae, VaeConfig>(
             "vae", "Variational autoencoder", "arXiv:1312.6114", "self/autoencoding",
             {{"optimizer", {{"name", "adamw"}, {"lr", 1e-3}, {"weight_decay", 0.0}}}, {"train", {{"batch", 128}}}})
      .of({Kind::image, Kind::audio});
}

}  // namespace fewlabel
