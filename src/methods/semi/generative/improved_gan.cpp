// Improved Techniques for Training GANs. Salimans et al., NeurIPS 2016, https://arxiv.org/abs/1606.03498, section 5: a
// classifier of K classes with an implicit class K + 1 of fakes is the discriminator, feature matching the generator's
// aim.
#include "fewlabel/method.h"
#include "methods/common/adversarial.h"
#include "methods/common/losses.h"
#include "methods/common/pixels.h"
#include "nets/gan.h"

namespace fewlabel {
namespace {

struct ImprovedGanConfig {
  int64_t latent = 64, width = 64, mu = 2;
  double lambda_u = 1.0, generator_rate = 1.0;
  std::string labeled_view = "strong";
  void fields(FieldVisitor& field) {
    field("latent", latent, "size of the code z", 1, 4096);
    field("width", width, "channels of the generator at half the image's size", 8, 1024);
    field("mu", mu, "unlabelled, and generated, examples per labelled one", 1, 64);
    field("lambda_u", lambda_u, "weight of the game between real and fake", 0.0, 1000.0);
    field("generator_rate", generator_rate, "learning rate of the generator over the classifier's", 0.01, 100.0);
    field("labeled_view", labeled_view, "view of the labelled examples", {"weak", "strong"});
  }
};

class ImprovedGan final : public Method, public Classifier, public Sampler {
 public:
  ImprovedGan(const ImprovedGanConfig& config, const Task& task, Net net)
      : config_(config),
        pixels_(register_module("pixels", Pixels(task))),
        net_(register_module("net", std::move(net))),
        generator_(register_module(
            "generator",
            make_generator(
                {.shape = task.shape(), .latent = config.latent, .width = config.width, .seed = task.seed}))) {}

  Needs needs() const override {
    return {.labeled = {config_.labeled_view}, .unlabeled = {"weak"}, .ratio = config_.mu, .whole_batch = true};
  }
  Groups groups() override { return {{"discriminator", net_->parameters()}, {"generator", generator_->parameters()}}; }
  double rate(std::string_view group) const override { return group == "generator" ? config_.generator_rate : 1.0; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor &x_l = batch.labeled.x.at(0), &x_u = batch.unlabeled.x.at(0);
    const int64_t l = x_l.size(0), u = x_u.size(0);
    const Tensor fake = pixels_->from_pixels(generator_->forward(draw_codes(u, config_.latent, x_u)));

    // K logits; that of the class K + 1, fake, is 0.
    const Tensor f_real = net_->features(torch::cat({x_l, x_u}));
    const auto logits = net_->classify(f_real).split_with_sizes({l, u});
    const Tensor logits_fake = net_->classify(fake_features(*net_, fake.detach()));

    // L_supervised = −E log p(y | x, y < K + 1).
    const Tensor loss_s = cross_entropy(logits[0], batch.labeled.y);

    // L_unsupervised = −E log D(x) − E log(1 − D(G(z))), D(x) = 1 − p(K + 1 | x) = Z / (Z + 1), Z = Σ_k exp(logit_k).
    const Tensor real = real_logit(logits[1]), faked = real_logit(logits_fake);
    const Tensor loss_u = discriminator_loss(real, faked) / 2;
    step.minimize(loss_s + config_.lambda_u * loss_u, "discriminator");

    // The generator matches the mean features of real data: ‖E f(x) − E f(G(z))‖².
    const Tensor loss_g = feature_matching(f_real.slice(0, l), fake_features(*net_, fake));
    step.minimize(loss_g, "generator");

    step.log({{"loss/s", loss_s},
              {"loss/u", loss_u},
              {"discriminator/real", torch::sigmoid(real).mean()},
              {"discriminator/fake", torch::sigmoid(faked).mean()}});
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }
  Tensor sample(const SampleRequest& request) override {
    return generator_->forward(request_codes(request, config_.latent, generator_->parameters().front().device()));
  }

 private:
  ImprovedGanConfig config_;
  Pixels pixels_;
  Net net_;
  Generator generator_;
};

}  // namespace

MethodInfo improved_gan() {
  return describe_method<ImprovedGan, ImprovedGanConfig>(
             "improved_gan", "Improved GAN", "arXiv:1606.03498", "semi/generative",
             Json{{"optimizer", {{"name", "adamw"}, {"lr", 1e-3}, {"momentum", 0.5}, {"weight_decay", 0.0}}}},
             Json{{"method", {{"generator_rate", 4.0}}}, {"optimizer", {{"lr", 2e-3}}}})
      .of({Kind::image});
}

}  // namespace fewlabel
