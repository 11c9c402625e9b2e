// Good Semi-supervised Learning that Requires a Bad GAN. Dai et al., NeurIPS 2017, https://arxiv.org/abs/1705.09783,
// sections 4 and 5: as improved_gan, with a generator that is pushed apart to cover what surrounds the data.
#include "fewlabel/method.h"
#include "methods/common/adversarial.h"
#include "methods/common/losses.h"
#include "methods/common/pixels.h"
#include "nets/gan.h"

namespace fewlabel {
namespace {

struct BadGanConfig {
  int64_t latent = 64, width = 64, mu = 2;
  double lambda_u = 1.0, lambda_entropy = 0.1, lambda_pull_away = 0.8, generator_rate = 1.0;
  std::string labeled_view = "strong";
  void fields(FieldVisitor& field) {
    field("latent", latent, "size of the code z", 1, 4096);
    field("width", width, "channels of the generator at half the image's size", 8, 1024);
    field("mu", mu, "unlabelled, and generated, examples per labelled one", 1, 64);
    field("lambda_u", lambda_u, "weight of the game between real and fake", 0.0, 1000.0);
    field("lambda_entropy", lambda_entropy, "weight of the conditional entropy of real data", 0.0, 100.0);
    field("lambda_pull_away", lambda_pull_away, "weight of the pull-away term of the generator", 0.0, 100.0);
    field("generator_rate", generator_rate, "learning rate of the generator over the classifier's", 0.01, 100.0);
    field("labeled_view", labeled_view, "view of the labelled examples", {"weak", "strong"});
  }
};

class BadGan final : public Method, public Classifier, public Sampler {
 public:
  BadGan(const BadGanConfig& config, const Task& task, Net net)
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

    // Equation 6: E log p(y | x, y ≤ K) + E log p(y ≤ K | x) + E log p(K + 1 | G(z)) + E Σ_k p_k log p_k.
    const Tensor f_real = net_->features(torch::cat({x_l, x_u}));
    const auto logits = net_->classify(f_real).split_with_sizes({l, u});
    const Tensor logits_fake = net_->classify(fake_features(*net_, fake.detach()));
    const Tensor loss_s = cross_entropy(logits[0], batch.labeled.y);
    const Tensor real = real_logit(logits[1]), faked = real_logit(logits_fake);
    const Tensor loss_u = discriminator_loss(real, faked) / 2;
    const Tensor entropy = conditional_entropy(logits[1]);
    step.minimize(loss_s + config_.lambda_u * loss_u + config_.lambda_entropy * entropy, "discriminator");

    // The generator: ‖E f(x) − E f(G(z))‖₁ keeps it near the data; the pull-away term raises the entropy of its
    // examples.
    const Tensor f_fake = fake_features(*net_, fake);
    const Tensor matching = (f_fake.mean(0) - f_real.detach().slice(0, l).mean(0)).abs().mean();
    const Tensor apart = pull_away(f_fake);
    step.minimize(matching + config_.lambda_pull_away * apart, "generator");

    step.log({{"loss/s", loss_s},
              {"loss/u", loss_u},
              {"loss/entropy", entropy},
              {"loss/matching", matching},
              {"loss/pull_away", apart},
              {"discriminator/real", torch::sigmoid(real).mean()},
              {"discriminator/fake", torch::sigmoid(faked).mean()}});
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }
  Tensor sample(const SampleRequest& request) override {
    return generator_->forward(request_codes(request, config_.latent, generator_->parameters().front().device()));
  }

 private:
  BadGanConfig config_;
  Pixels pixels_;
  Net net_;
  Generator generator_;
};

}  // namespace

MethodInfo bad_gan() {
  return describe_method<BadGan, BadGanConfig>(
             "bad_gan", "Bad GAN", "arXiv:1705.09783", "semi/generative",
             Json{{"optimizer", {{"name", "adamw"}, {"lr", 1e-3}, {"momentum", 0.5}, {"weight_decay", 0.0}}}})
      .of({Kind::image});
}

}  // namespace fewlabel
