// BiGAN: Adversarial Feature Learning. Donahue et al., ICLR 2017, https://arxiv.org/abs/1605.09782, equations 2 to 5;
// the same as ALI (Dumoulin et al. 2017, arXiv:1606.00704) with a deterministic encoder.
#include "fewlabel/method.h"
#include "methods/common/adversarial.h"
#include "methods/common/pixels.h"
#include "nets/gan.h"
#include "nets/initialise.h"

namespace fewlabel {
namespace {

struct BiganConfig {
  int64_t latent = 64, width = 64;
  std::string loss = "logistic", view = "none";
  bool spectral_norm = true;
  double discriminator_rate = 1.0, encoder_rate = 1.0;
  void fields(FieldVisitor& field) {
    field("latent", latent, "size of the code z", 1, 4096);
    field("width", width, "channels of generator and discriminator at half the image's size", 8, 1024);
    field("loss", loss, "what the players lose", {"logistic", "hinge"});
    field("view", view, "view of the examples", {"none", "weak"});
    field("spectral_norm", spectral_norm, "spectral norm in the discriminator");
    field("discriminator_rate", discriminator_rate, "learning rate of the discriminator over the generator's", 0.01,
          100.0);
    field("encoder_rate", encoder_rate, "learning rate of the encoder over the generator's", 0.01, 100.0);
  }
};

class Bigan final : public Method, public Encoder, public Sampler, public Reconstructor {
 public:
  Bigan(const BiganConfig& config, const Task& task, Net net)
      : config_(config),
        pixels_(register_module("pixels", Pixels(task))),
        net_(register_module("net", std::move(net))),
        code_(register_module("code", torch::nn::Linear(net_->feature_size(), config.latent))),
        code_norm_(register_module("code_norm",
                                   torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(config.latent).affine(false)))),
        generator_(register_module(
            "generator",
            make_generator(
                {.shape = task.shape(), .latent = config.latent, .width = config.width, .seed = task.seed}))),
        discriminator_(register_module("discriminator", make_discriminator({.shape = task.shape(),
                                                                            .width = config.width,
                                                                            .spectral = config.spectral_norm,
                                                                            .latent = config.latent,
                                                                            .seed = task.seed}))) {
    initialise(*code_, task.seed, "code");
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .whole_batch = true}; }
  Groups groups() override {
    std::vector<Tensor> encoder = net_->parameters();
    for (const Tensor& parameter : code_->parameters()) encoder.push_back(parameter);
    return {{"discriminator", discriminator_->parameters()},
            {"encoder", std::move(encoder)},
            {"generator", generator_->parameters()}};
  }
  double rate(std::string_view group) const override {
    return group == "discriminator" ? config_.discriminator_rate : group == "encoder" ? config_.encoder_rate : 1.0;
  }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& x = batch.unlabeled.x.at(0);

    // Pairs of an image and a code: (x, E(x)) and (G(z), z), z ~ N(0, I).
    const Tensor code = encode(x);
    const Tensor z = draw_codes(x.size(0), config_.latent, x), fake = generate(z);

    // max_D E log D(x, E(x)) + E log(1 − D(G(z), z)).
    const Tensor d_real = discriminator_->forward(x, code.detach()), d_fake = discriminator_->forward(fake.detach(), z);
    const Tensor loss_d = discriminator_loss(d_real, d_fake, config_.loss);
    step.minimize(loss_d, "discriminator");

    // min_{E,G}, with the labels of the pairs exchanged: each takes its own pair for the other's.
    const Tensor loss_e = generator_loss(-discriminator_->forward(x, code), config_.loss);
    step.minimize(loss_e, "encoder");
    const Tensor loss_g = generator_loss(discriminator_->forward(fake, z), config_.loss);
    step.minimize(loss_g, "generator");

    step.log(
        {{"discriminator/real", torch::sigmoid(d_real).mean()}, {"discriminator/fake", torch::sigmoid(d_fake).mean()}});
    step.embeddings(code);
  }

  Tensor features(const Tensor& x) override { return net_->features(x); }
  Tensor sample(const SampleRequest& request) override {
    return generator_->forward(request_codes(request, config_.latent, code_->weight.device()));
  }
  Tensor reconstruct(const Tensor& x) override { return generator_->forward(encode(x)); }

 private:
  /// E(x). Its numbers have the prior's mean and variance by themselves; else the discriminator tells the pairs by the
  /// spread of the codes alone, and the encoder learns nothing else.
  Tensor encode(const Tensor& x) { return code_norm_->forward(code_->forward(net_->features(x)).to(torch::kFloat)); }
  Tensor generate(const Tensor& z) { return pixels_->from_pixels(generator_->forward(z)); }

  BiganConfig config_;
  Pixels pixels_;
  Net net_;
  torch::nn::Linear code_;
  torch::nn::BatchNorm1d code_norm_;
  Generator generator_;
  Discriminator discriminator_;
};

}  // namespace

MethodInfo bigan() {
  return describe_method<Bigan, BiganConfig>(
             "bigan", "BiGAN", "arXiv:1605.09782", "self/adversarial",
             Json{{"optimizer", {{"name", "adamw"}, {"lr", 5e-4}, {"momentum", 0.5}, {"weight_decay", 0.0}}},
                  {"train", {{"batch", 64}, {"average", 0.0}}}})
      .of({Kind::image});
}

}  // namespace fewlabel
