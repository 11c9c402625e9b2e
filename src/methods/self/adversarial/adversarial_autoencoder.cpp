// Adversarial Autoencoders. Makhzani et al., ICLR 2016 workshop, https://arxiv.org/abs/1511.05644, section 2: an
// autoencoder whose codes a discriminator cannot tell from the prior, with the deterministic encoder.
#include "fewlabel/method.h"
#include "methods/common/adversarial.h"
#include "methods/common/pixels.h"
#include "nets/gan.h"
#include "nets/initialise.h"

namespace fewlabel {
namespace {

struct AdversarialAutoencoderConfig {
  int64_t latent = 16, width = 64, hidden = 256;
  double lambda_adversarial = 0.01, discriminator_rate = 1.0;
  void fields(FieldVisitor& field) {
    field("latent", latent, "size of the code z", 1, 4096);
    field("width", width, "channels of the decoder at half the image's size", 8, 1024);
    field("hidden", hidden, "units in each of the discriminator's two layers", 8, 4096);
    field("lambda_adversarial", lambda_adversarial, "weight of the game beside the squared error", 0.0, 1000.0);
    field("discriminator_rate", discriminator_rate, "learning rate of the discriminator over the autoencoder's", 0.01,
          100.0);
  }
};

/// z → 2 × (linear, leaky) → logit.
torch::nn::Sequential code_discriminator(int64_t latent, int64_t hidden, uint64_t seed) {
  using torch::nn::Linear;
  const auto leaky = torch::nn::LeakyReLUOptions().negative_slope(0.2);
  torch::nn::Sequential net(Linear(latent, hidden), torch::nn::LeakyReLU(leaky), Linear(hidden, hidden),
                            torch::nn::LeakyReLU(leaky), Linear(hidden, 1));
  initialise(*net, seed, "discriminator");
  return net;
}

class AdversarialAutoencoder final : public Method, public Encoder, public Sampler, public Reconstructor {
 public:
  AdversarialAutoencoder(const AdversarialAutoencoderConfig& config, const Task& task, Net net)
      : config_(config),
        pixels_(register_module("pixels", Pixels(task))),
        net_(register_module("net", std::move(net))),
        code_(register_module("code", torch::nn::Linear(net_->feature_size(), config.latent))),
        decoder_(register_module(
            "decoder",
            make_generator(
                {.shape = task.shape(), .latent = config.latent, .width = config.width, .seed = task.seed}))),
        discriminator_(register_module("discriminator", code_discriminator(config.latent, config.hidden, task.seed))) {
    initialise(*code_, task.seed, "code");
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {"none"}, .whole_batch = true}; }
  Groups groups() override {
    std::vector<Tensor> autoencoder = net_->parameters();
    for (const auto& parameters : {code_->parameters(), decoder_->parameters()})
      autoencoder.insert(autoencoder.end(), parameters.begin(), parameters.end());
    return {{"autoencoder", std::move(autoencoder)}, {"discriminator", discriminator_->parameters()}};
  }
  double rate(std::string_view group) const override {
    return group == "discriminator" ? config_.discriminator_rate : 1.0;
  }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& x = batch.unlabeled.x.at(0);
    const Tensor code = encode(x);  // q(z | x)

    // The discriminator takes codes of the prior p(z) = N(0, I) for real ones, and those of the encoder for fakes.
    const Tensor prior = draw_codes(x.size(0), config_.latent, x);
    const Tensor loss_d = discriminator_loss(score(prior), score(code.detach()));
    step.minimize(loss_d, "discriminator");

    // min ‖x − G(E(x))‖², while the encoder confuses the discriminator.
    const Tensor reconstruction = (decoder_->forward(code) - pixels_->to_pixels(x)).square().mean();
    const Tensor loss_a = generator_loss(score(code));
    step.minimize(reconstruction + config_.lambda_adversarial * loss_a, "autoencoder");

    step.log({{"loss/adversarial", loss_a}, {"loss/reconstruction", reconstruction}});
    step.embeddings(code);
  }

  Tensor features(const Tensor& x) override { return net_->features(x); }
  Tensor sample(const SampleRequest& request) override {
    return decoder_->forward(request_codes(request, config_.latent, code_->weight.device()));
  }
  Tensor reconstruct(const Tensor& x) override { return decoder_->forward(encode(x)); }

 private:
  Tensor encode(const Tensor& x) { return code_->forward(net_->features(x)).to(torch::kFloat); }
  Tensor score(const Tensor& z) { return discriminator_->forward(z).squeeze(1); }

  AdversarialAutoencoderConfig config_;
  Pixels pixels_;
  Net net_;
  torch::nn::Linear code_;
  Generator decoder_;
  torch::nn::Sequential discriminator_;
};

}  // namespace

MethodInfo adversarial_autoencoder() {
  return describe_method<AdversarialAutoencoder, AdversarialAutoencoderConfig>(
             "adversarial_autoencoder", "Adversarial autoencoder", "arXiv:1511.05644", "self/adversarial",
             Json{{"optimizer", {{"name", "adamw"}, {"lr", 1e-3}, {"momentum", 0.5}, {"weight_decay", 0.0}}},
                  {"train", {{"batch", 64}, {"average", 0.999}}}})
      .of({Kind::image});
}

}  // namespace fewlabel
