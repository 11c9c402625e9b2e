// Generative Adversarial Nets. Goodfellow et al., NeurIPS 2014, https://arxiv.org/abs/1406.2661, equation 1:
// min_θ max_φ E log D_φ(x) + E log(1 − D_φ(G_θ(z))), with the generator's loss of its section 3 and nets like DCGAN's.
#include "nets/gan.h"
#include "fewlabel/method.h"
#include "methods/common/adversarial.h"
#include "methods/common/pixels.h"

namespace fewlabel {
namespace {

struct GanConfig {
  int64_t latent = 64, width = 64;
  std::string loss = "logistic", regularizer = "spectral_norm";
  double gamma = 1.0, discriminator_rate = 1.0;
  void fields(FieldVisitor& field) {
    field("latent", latent, "size of the code z", 1, 4096);
    field("width", width, "channels of both nets at half the image's size", 8, 1024);
    field("loss", loss, "what the players lose", {"logistic", "hinge"});
    field("regularizer", regularizer, "what keeps the discriminator smooth", {"spectral_norm", "r1", "none"});
    field("gamma", gamma, "weight of r1 (γ)", 0.0, 1000.0);
    field("discriminator_rate", discriminator_rate, "learning rate of the discriminator over the generator's", 0.01,
          100.0);
  }
};

class Gan final : public Method, public Sampler, public Encoder {
 public:
  Gan(const GanConfig& config, const Task& task, const Net&)
      : config_(config),
        pixels_(register_module("pixels", Pixels(task))),
        generator_(register_module(
            "generator",
            make_generator(
                {.shape = task.shape(), .latent = config.latent, .width = config.width, .seed = task.seed}))),
        discriminator_(
            register_module("discriminator", make_discriminator({.shape = task.shape(),
                                                                 .width = config.width,
                                                                 .spectral = config.regularizer == "spectral_norm",
                                                                 .seed = task.seed}))) {}

  Needs needs() const override { return {.labeled = {}, .unlabeled = {"none"}, .whole_batch = true}; }
  Groups groups() override {
    return {{"discriminator", discriminator_->parameters()}, {"generator", generator_->parameters()}};
  }
  double rate(std::string_view group) const override {
    return group == "discriminator" ? config_.discriminator_rate : 1.0;
  }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& x = batch.unlabeled.x.at(0);

    // G_θ(z), z ~ N(0, I).
    const Tensor fake = generate(draw_codes(x.size(0), config_.latent, x));

    // max_φ E log D_φ(x) + E log(1 − D_φ(G_θ(z))).
    const Tensor real = config_.regularizer == "r1" ? x.detach().requires_grad_() : x;
    const Tensor d_real = discriminator_->forward(real), d_fake = discriminator_->forward(fake.detach());
    Tensor loss_d = discriminator_loss(d_real, d_fake, config_.loss);
    if (config_.regularizer == "r1") loss_d = loss_d + config_.gamma / 2 * gradient_penalty(d_real, real);
    step.minimize(loss_d, "discriminator");

    // min_θ, as max_θ E log D_φ(G_θ(z)): φ has moved, so D is asked anew.
    const Tensor loss_g = generator_loss(discriminator_->forward(fake), config_.loss);
    step.minimize(loss_g, "generator");

    step.log(
        {{"discriminator/real", torch::sigmoid(d_real).mean()}, {"discriminator/fake", torch::sigmoid(d_fake).mean()}});
  }

  Tensor sample(const SampleRequest& request) override {
    const Tensor z = request_codes(request, config_.latent, generator_->parameters().front().device());
    return generator_->forward(z);
  }
  Tensor features(const Tensor& x) override { return discriminator_->features(x); }

 private:
  Tensor generate(const Tensor& z) { return pixels_->from_pixels(generator_->forward(z)); }

  GanConfig config_;
  Pixels pixels_;
  Generator generator_;
  Discriminator discriminator_;
};

}  // namespace

MethodInfo gan() {
  return describe_method<Gan, GanConfig>(
             "gan", "GAN", "arXiv:1406.2661", "self/adversarial",
             Json{{"optimizer", {{"name", "adamw"}, {"lr", 2e-4}, {"momentum", 0.5}, {"weight_decay", 0.0}}},
                  {"train", {{"batch", 64}, {"average", 0.999}}}},
             Json{{"optimizer", {{"lr", 2e-3}}}})
      .of({Kind::image});
}

}  // namespace fewlabel
