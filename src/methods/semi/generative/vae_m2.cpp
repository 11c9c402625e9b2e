// M2: the deep generative model p_θ(x, y, z) = p(y) p(z) p_θ(x | y, z) for few labels; and M1+M2, in which M2 explains
// the code z1 of a variational autoencoder M1 instead of x. Kingma, Rezende, Mohamed and Welling, NeurIPS 2014,
// https://arxiv.org/abs/1406.5298, equations 6 to 9.
#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/forward.h"
#include "methods/common/gaussian.h"
#include "methods/common/losses.h"
#include "methods/common/perceptron.h"
#include "methods/common/pixels.h"
#include "methods/common/sampling.h"

namespace fewlabel {
namespace {

struct VaeM2Config {
  bool stacked = false;
  int64_t latent = 50, hidden = 500, ratio = 4;
  double alpha = 0.1;
  std::string view = "strong";
  void fields(FieldVisitor& field) {
    field("stacked", stacked, "M1+M2 instead of M2");
    field("latent", latent, "numbers in z, and in z1 where stacked", 1, 4096);
    field("hidden", hidden, "width of the two hidden layers of each net but the classifier", 1, 65536);
    field("ratio", ratio, "unlabelled examples per labelled one", 1, 64);
    field("alpha", alpha, "weight of the classifier's own loss beside the mean bound (α over the number of examples)",
          0.0, 1000.0);
    field("view", view, "view of the labelled examples in the classifier's own loss", {"weak", "strong", "none"});
  }
};

class VaeM2 final : public Method, public Classifier, public Sampler, public Reconstructor {
 public:
  VaeM2(const VaeM2Config& config, const Task& task, Net net)
      : config_(config),
        task_(task),
        classes_(task.classes),
        net_(register_module("net", std::move(net))),
        pixels_(register_module("pixels", Pixels(task))) {
    const int64_t pixels = task.shape().bytes(), z = config.latent, v = config.stacked ? z : pixels;
    const auto perceptron = [&](const char* name, int64_t in, int64_t out) {
      return register_module(name, Perceptron(PerceptronSpec{in, config.hidden, out, task.seed, name}));
    };
    encoder_ = perceptron("encoder", v + classes_, 2 * z);                            // q(z | v, y)
    decoder_ = perceptron("decoder", z + classes_, config.stacked ? 2 * z : pixels);  // p(v | y, z)
    if (config.stacked) {
      m1_encoder_ = perceptron("m1_encoder", pixels, 2 * z);  // q(z1 | x)
      m1_decoder_ = perceptron("m1_decoder", z, pixels);      // p(x | z1)
    }
    log_prior_ = register_buffer("log_prior", class_share(task).clamp_min(1e-6).log());  // log p(y)
  }

  Needs needs() const override {
    return {.labeled = {config_.view, "none"}, .unlabeled = {"none"}, .ratio = config_.ratio, .whole_batch = true};
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor &y = batch.labeled.y, &u = batch.unlabeled.x.at(0);
    const auto [logits_l, logits_u] = forward_together(*net_, batch.labeled.x.at(0), u);  // q(y | x)

    // -L(x, y), and -U(x) = Σ_y q(y | x) (-L(x, y)) - H(q(y | x)).
    const Tensor bound_l = labeled_bound(pixels(batch.labeled.x.at(1)), y);
    const Tensor bound_u = unlabeled_bound(pixels(u), torch::log_softmax(logits_u.to(torch::kFloat), 1));
    // J^α / N = (Σ L + Σ U) / N + α · E[-log q(y | x)]: sums over all N examples, of which a batch has another mixture.
    const Tensor loss_s = cross_entropy(logits_l, y);
    const auto n = static_cast<double>(task_.labeled), all = n + static_cast<double>(task_.unlabeled);
    const Tensor bound = torch::lerp(bound_u.mean(), bound_l.mean(), n / all);
    step.minimize(bound + config_.alpha * loss_s);
    step.log({{"loss/s", loss_s}, {"bound/labeled", bound_l.mean()}, {"bound/unlabeled", bound_u.mean()}});
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

  Tensor sample(const SampleRequest& request) override {
    const torch::NoGradGuard no_grad;
    const Tensor z = seeded_normal({request.count, config_.latent}, request.seed).to(log_prior_.device());
    return image(decoder_->forward(beside(z, requested_classes(request, task_).to(z.device()))));
  }
  bool conditional() const override { return true; }

  Tensor reconstruct(const Tensor& x) override {
    const torch::NoGradGuard no_grad;
    const Tensor y = net_->forward(x).argmax(1);
    const Tensor v = config_.stacked ? gaussian(m1_encoder_->forward(pixels(x))).mean : pixels(x);
    return image(decoder_->forward(beside(gaussian(encoder_->forward(beside(v, y))).mean, y)));
  }

 private:
  Tensor pixels(const Tensor& x) const { return pixels_->to_pixels(x).flatten(1); }
  Tensor beside(const Tensor& v, const Tensor& y) const { return torch::cat({v, one_hot_rows(y, classes_)}, 1); }

  /// The decoder's output as an image.
  Tensor image(const Tensor& out) {
    const Tensor logits = config_.stacked ? m1_decoder_->forward(gaussian(out).mean) : out;
    return torch::sigmoid(logits).view({-1, task_.shape().channels, task_.shape().height, task_.shape().width});
  }

  /// -log p(v | y, z) + KL(q(z | v, y) ‖ p(z)) - log p(y) for each row; v is x, or z1 where stacked.
  Tensor m2_bound(const Tensor& v, const Tensor& y) {
    const Gaussian q = gaussian(encoder_->forward(beside(v, y)));
    const Tensor out = decoder_->forward(beside(draw(q), y));
    const Tensor likelihood = config_.stacked ? log_density(gaussian(out), v) : bernoulli_log_likelihood(out, v);
    return -likelihood + kl_to_standard(q) - log_prior_.index_select(0, y);
  }
  /// v, and what M1 adds to the bound: -log p(x | z1) + log q(z1 | x).
  std::pair<Tensor, Tensor> observed(const Tensor& x) {
    if (!config_.stacked) return {x, torch::zeros({x.size(0)}, x.options())};
    const Gaussian q = gaussian(m1_encoder_->forward(x));
    const Tensor z1 = draw(q);
    return {z1, log_density(q, z1) - bernoulli_log_likelihood(m1_decoder_->forward(z1), x)};
  }

  Tensor labeled_bound(const Tensor& x, const Tensor& y) {
    const auto [v, m1] = observed(x);
    return m2_bound(v, y) + m1;
  }
  Tensor unlabeled_bound(const Tensor& x, const Tensor& log_q) {
    const auto [v, m1] = observed(x);
    const int64_t count = x.size(0);
    const Tensor y = torch::arange(classes_, log_q.options().dtype(torch::kLong)).repeat({count});
    const Tensor each = m2_bound(v.repeat_interleave(classes_, 0), y).view({count, classes_});
    return (log_q.exp() * (each + log_q)).sum(1) + m1;
  }

  VaeM2Config config_;
  Task task_;
  int64_t classes_;
  Net net_;
  Pixels pixels_;
  Perceptron encoder_{nullptr}, decoder_{nullptr}, m1_encoder_{nullptr}, m1_decoder_{nullptr};
  Tensor log_prior_;
};

}  // namespace

MethodInfo vae_m2() {
  const Json settings = {{"optimizer", {{"name", "adamw"}, {"lr", 1e-3}, {"weight_decay", 0.0}}}};
  // In thousands of updates of a bound of hundreds of nats, a weight of 0.1 would leave the labels unlearnt.
  return describe_method<VaeM2, VaeM2Config>("vae_m2", "VAE, M2", "arXiv:1406.5298", "semi/generative", settings,
                                             {{"method", {{"alpha", 60.0}}}})
      .of({Kind::image});
}

}  // namespace fewlabel
