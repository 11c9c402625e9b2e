// MixMatch: A Holistic Approach to Semi-Supervised Learning.
// Berthelot et al., NeurIPS 2019, https://arxiv.org/abs/1905.02249, Algorithm 1.
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ(t) R(θ), both over mixtures of examples: R is the squared distance to the guessed labels.
#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"
#include "methods/common/ramp.h"

namespace fewlabel {
namespace {

struct MixMatchConfig {
  double alpha = 0.75, temperature = 0.5, lambda_u = 75.0, ramp = 0.016, align_decay = 0.999;
  int64_t mu = 1, copies = 2;
  std::string labeled_view = "weak", unlabeled_view = "weak";
  bool anchor = false, align = false;
  void fields(FieldVisitor& field) {
    field("alpha", alpha, "both parameters of the Beta distribution that examples are mixed by (α)", 0.1, 100.0);
    field("temperature", temperature, "guessed labels are sharpened by this (T); 1 leaves them", 0.01, 1.0);
    field("lambda_u", lambda_u, "largest weight of the unlabelled loss (λ_U)", 0.0, 1000.0);
    field("ramp", ramp, "share of the run over which that weight rises", 0.0, 1.0);
    field("mu", mu, "unlabelled examples per labelled one", 1, 64);
    field("copies", copies, "views of each unlabelled example (K)", 1, 8);
    field("labeled_view", labeled_view, "view of the labelled examples", {"weak", "strong"});
    field("unlabeled_view", unlabeled_view, "view of the unlabelled examples", {"weak", "strong"});
    field("anchor", anchor, "guess labels on one weak view more, not on the views that learn them (ReMixMatch)");
    field("align", align, "align the guesses with the class shares of the labels (ReMixMatch)");
    field("align_decay", align_decay, "decay of the average prediction used by align", 0.0, 0.99999);
  }
};

class MixMatch final : public Method, public Classifier {
 public:
  MixMatch(const MixMatchConfig& config, const Task& task, Net net)
      : config_(config),
        classes_(task.classes),
        net_(register_module("net", std::move(net))),
        align_(register_module(
            "align", Alignment(ConsistencyConfig{.align = config.align, .align_decay = config.align_decay}, task))),
        lambda_(register_buffer("lambda", torch::full({}, weight(0.0)))) {}

  Needs needs() const override {
    Needs needs{.labeled = {config_.labeled_view}, .unlabeled = {}, .ratio = config_.mu, .whole_batch = true};
    needs.unlabeled.assign(static_cast<std::size_t>(config_.copies), config_.unlabeled_view);
    if (config_.anchor) needs.unlabeled.emplace_back("weak");
    return needs;
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const auto& views = batch.unlabeled.x;
    const std::vector<Tensor> u(views.begin(), views.begin() + config_.copies);

    // q: the mean prediction over the K views, sharpened, is the guessed label of all of them.
    const Tensor q = sharpen(align_->forward(guess(config_.anchor ? std::vector<Tensor>{views.back()} : u)));

    // W: all examples with their labels, shuffled; X' and U' are the examples mixed with those.
    std::vector<Tensor> examples = {net_->embed(batch.labeled.x.at(0))},
                        labels = {one_hot_rows(batch.labeled.y, classes_)};
    for (const Tensor& view : u) {
      examples.push_back(net_->embed(view));
      labels.push_back(q);
    }
    const auto [x, p] = mix_up(torch::cat(examples), torch::cat(labels));

    // L_X is a cross-entropy, L_U a squared error, which trusts wrong guesses less.
    const int64_t count = batch.labeled.y.size(0);
    const Tensor logits = net_->forward(x);
    const Tensor loss_s = cross_entropy_each(logits.slice(0, 0, count), p.slice(0, 0, count)).mean();
    const Tensor loss_u = squared_difference_each(softmax_rows(logits.slice(0, count)), p.slice(0, count)).mean();

    step.minimize(loss_s + lambda_ * loss_u);
    const auto [confidence, label] = most_probable(q);
    const Tensor kept = torch::ones_like(confidence);
    step.pseudo_labels(label, kept);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}, {"lambda", lambda_}});
  }

  void updated(double progress) override {
    lambda_.fill_(weight(progress));
    align_->updated();
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  double weight(double progress) const { return config_.lambda_u * linear_ramp(progress, config_.ramp); }

  /// The mean prediction over the views, without gradient.
  Tensor guess(const std::vector<Tensor>& views) {
    const auto count = static_cast<int64_t>(views.size());
    return probabilities(forward_without_gradient(*net_, torch::cat(views))).view({count, -1, classes_}).mean(0);
  }

  /// Sharpen(p, T) = p^(1/T), scaled to sum to 1.
  Tensor sharpen(const Tensor& p) const {
    const Tensor power = p.pow(1.0 / config_.temperature);
    return power / power.sum(1, /*keepdim=*/true);
  }

  /// λ ~ Beta(α, α), λ' = max(λ, 1 - λ): λ' of each example and 1 - λ' of another, so that it stays nearer to itself.
  std::pair<Tensor, Tensor> mix_up(const Tensor& x, const Tensor& p) const {
    const Tensor alpha = torch::full({2, x.size(0)}, config_.alpha, p.options());
    const Tensor gamma = torch::_standard_gamma(alpha).clamp_min(1e-30);
    const Tensor lambda = gamma[0] / gamma.sum(0), own = torch::maximum(lambda, 1.0 - lambda);
    const Tensor other = torch::randperm(x.size(0), torch::TensorOptions(torch::kLong).device(x.device()));
    std::vector<int64_t> each(static_cast<std::size_t>(x.dim()), 1);
    each[0] = x.size(0);
    return {torch::lerp(x.index_select(0, other), x, own.view(each)),
            torch::lerp(p.index_select(0, other), p, own.unsqueeze(1))};
  }

  MixMatchConfig config_;
  int64_t classes_;
  Net net_;
  Alignment align_;
  Tensor lambda_;
};

}  // namespace

MethodInfo mixmatch() {
  return describe_method<MixMatch, MixMatchConfig>("mixmatch", "MixMatch", "arXiv:1905.02249", "semi/correcting",
                                                   Json::object(),
                                                   {{"method",
                                                     {{"lambda_u", 25.0},
                                                      {"ramp", 0.3},
                                                      {"mu", 2},
                                                      {"labeled_view", "strong"},
                                                      {"unlabeled_view", "strong"},
                                                      {"anchor", true},
                                                      {"align", true},
                                                      {"align_decay", 0.99}}}});
}

}  // namespace fewlabel
