// Triple Generative Adversarial Nets. Li et al., NeurIPS 2017, https://arxiv.org/abs/1703.02291, equation 3 and
// algorithm 1: a classifier makes pairs p(x) p_c(y | x), a generator makes pairs p(y) p_g(x | y), and a discriminator
// tells both from p(x, y). Projection discriminator as in the authors' second version.
#include "fewlabel/method.h"
#include "methods/common/adversarial.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"
#include "methods/common/pixels.h"
#include "nets/gan.h"

namespace fewlabel {
namespace {

struct TripleGanConfig {
  int64_t latent = 64, width = 64, mu = 2;
  double alpha = 0.5, alpha_p = 0.1, start = 0.3, alpha_c = 0.01, entropy = 0.3, balance = 1e-3;
  double game_rate = 0.3;
  std::string labeled_view = "strong";
  void fields(FieldVisitor& field) {
    field("latent", latent, "size of the code z", 1, 4096);
    field("width", width, "channels of generator and discriminator at half the image's size", 8, 1024);
    field("mu", mu, "unlabelled, and generated, examples per labelled one", 1, 64);
    field("alpha", alpha, "the classifier's share of the discriminator's fakes (α)", 0.0, 1.0);
    field("alpha_p", alpha_p, "weight of the generator's examples in the classifier's loss (α_P)", 0.0, 100.0);
    field("start", start, "share of the run after which alpha_p counts", 0.0, 1.0);
    field("alpha_c", alpha_c, "weight of the classifier's own game", 0.0, 100.0);
    field("entropy", entropy, "weight of the entropy of predictions on unlabelled examples", 0.0, 100.0);
    field("balance", balance, "weight of the distance between mean prediction and class shares", 0.0, 100.0);
    field("game_rate", game_rate, "learning rate of generator and discriminator over the classifier's", 0.01, 100.0);
    field("labeled_view", labeled_view, "view of the labelled examples", {"weak", "strong"});
  }
};

class TripleGan final : public Method, public Classifier, public Sampler {
 public:
  TripleGan(const TripleGanConfig& config, const Task& task, Net net)
      : config_(config),
        classes_(task.classes),
        pixels_(register_module("pixels", Pixels(task))),
        net_(register_module("net", std::move(net))),
        generator_(register_module("generator", make_generator({.shape = task.shape(),
                                                                .latent = config.latent,
                                                                .width = config.width,
                                                                .classes = task.classes,
                                                                .seed = task.seed}))),
        discriminator_(register_module(
            "discriminator",
            make_discriminator(
                {.shape = task.shape(), .width = config.width, .classes = task.classes, .seed = task.seed}))),
        share_(register_buffer("share", class_share(task))),
        weight_p_(register_buffer("weight_p", torch::zeros({}))) {
    updated(0.0);
  }

  Needs needs() const override {
    return {.labeled = {config_.labeled_view}, .unlabeled = {"weak"}, .ratio = config_.mu, .whole_batch = true};
  }
  Groups groups() override {
    return {{"classifier", net_->parameters()},
            {"discriminator", discriminator_->parameters()},
            {"generator", generator_->parameters()}};
  }
  double rate(std::string_view group) const override { return group == "classifier" ? 1.0 : config_.game_rate; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor &x_l = batch.labeled.x.at(0), &y_l = batch.labeled.y, &x_u = batch.unlabeled.x.at(0);
    const int64_t l = x_l.size(0), u = x_u.size(0);

    // (x_g, y_g) ~ p(y) p_g(x | y), and (x_u, y_u) ~ p(x) p_c(y | x) by its most probable class.
    const Tensor y_g = torch::multinomial(share_, u, /*replacement=*/true);
    const Tensor x_g = pixels_->from_pixels(generator_->forward(draw_codes(u, config_.latent, x_u), y_g));
    const auto logits = net_->forward(torch::cat({x_l, x_u})).split_with_sizes({l, u});
    const Tensor logits_g = net_->classify(fake_features(*net_, x_g.detach()));
    const auto [confidence, y_u] = most_probable(probabilities(logits[1]));

    // D: E log D(x, y) + α E log(1 − D(x_u, y_u)) + (1 − α) E log(1 − D(x_g, y_g)). As in the authors' code, half of
    // the unlabelled pairs stand beside the labelled ones, which D would otherwise learn by heart.
    const int64_t half = u / 2;
    const Tensor d_l =
        discriminator_->forward(torch::cat({x_l, x_u.slice(0, 0, half)}), torch::cat({y_l, y_u.slice(0, 0, half)}));
    const Tensor d_u = discriminator_->forward(x_u.slice(0, half), y_u.slice(0, half));
    const Tensor d_g = discriminator_->forward(x_g.detach(), y_g);
    const Tensor loss_d = torch::softplus(-d_l).mean() + config_.alpha * torch::softplus(d_u).mean() +
                          (1 - config_.alpha) * torch::softplus(d_g).mean();
    step.minimize(loss_d, "discriminator");

    // C: R_L, the labels; R_P, the generator's examples; p_c(y_u | x_u) times what D says of the pair; and, as the
    // authors do, predictions that are sure one by one and balanced on average.
    const Tensor loss_s = cross_entropy(logits[0], y_l), loss_p = cross_entropy(logits_g, y_g);
    const Tensor verdict = torch::softplus(-discriminator_->forward(x_u, y_u)).detach();
    const Tensor p_u = torch::softmax(logits[1].to(torch::kFloat), 1);
    const Tensor loss_c = config_.alpha * (p_u.gather(1, y_u.unsqueeze(1)).squeeze(1) * verdict).mean();
    const Tensor unsure = conditional_entropy(logits[1]);
    const Tensor unbalanced = -(share_ * (p_u.mean(0) + 1e-6).log()).sum();
    step.minimize(loss_s + weight_p_ * loss_p + config_.alpha_c * loss_c + config_.entropy * unsure +
                      config_.balance * unbalanced,
                  "classifier");

    // G: (1 − α) E log D(x_g, y_g).
    const Tensor loss_g = (1 - config_.alpha) * generator_loss(discriminator_->forward(x_g, y_g));
    step.minimize(loss_g, "generator");

    step.log({{"loss/s", loss_s},
              {"loss/p", loss_p},
              {"loss/u", loss_c},
              {"discriminator/real", torch::sigmoid(d_l).mean()},
              {"discriminator/classifier", torch::sigmoid(d_u).mean()},
              {"discriminator/generator", torch::sigmoid(d_g).mean()}});
  }

  void updated(double progress) override { weight_p_.fill_(progress >= config_.start ? config_.alpha_p : 0.0); }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }
  Tensor sample(const SampleRequest& request) override {
    const auto device = share_.device();
    return generator_->forward(request_codes(request, config_.latent, device),
                               request_labels(request, classes_, device));
  }
  bool conditional() const override { return true; }

 private:
  TripleGanConfig config_;
  int64_t classes_;
  Pixels pixels_;
  Net net_;
  Generator generator_;
  Discriminator discriminator_;
  Tensor share_, weight_p_;
};

}  // namespace

MethodInfo triple_gan() {
  return describe_method<TripleGan, TripleGanConfig>(
             "triple_gan", "Triple GAN", "arXiv:1703.02291", "semi/generative",
             Json{{"optimizer", {{"name", "adamw"}, {"lr", 1e-3}, {"momentum", 0.5}, {"weight_decay", 0.0}}}})
      .of({Kind::image});
}

}  // namespace fewlabel
