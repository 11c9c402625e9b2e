// VQ-VAE: Neural Discrete Representation Learning.
// van den Oord et al., NeurIPS 2017, https://arxiv.org/abs/1711.00937, with the moving averages of its appendix A.1.
// The code is a small map of entries of a learnt list, so that an image becomes a few dozen whole numbers.
#include "fewlabel/method.h"
#include "methods/common/code_density.h"
#include "methods/common/coding.h"
#include "methods/common/losses.h"
#include "methods/common/pixels.h"
#include "methods/common/sampling.h"

namespace fewlabel {
namespace {

struct VqVaeConfig {
  int64_t entries = 128, code = 16, width = 32;
  double beta = 0.25, gamma = 0.99, restart = 0.01;
  std::string view = "none";
  void fields(FieldVisitor& field) {
    field("entries", entries, "entries of the list (K)", 2, 65536);
    field("code", code, "numbers of an entry (D)", 1, 1024);
    field("width", width, "channels of encoder and decoder beside the image", 1, 512);
    field("beta", beta, "weight of the commitment loss (β)", 0.0, 100.0);
    field("gamma", gamma, "decay of the moving averages behind the entries (γ)", 0.0, 0.99999);
    field("restart", restart, "an entry used less than this share of the mean is put onto a place just seen", 0.0, 1.0);
    field("view", view, "view of the images", {"none", "weak"});
  }
};

class VqVae final : public Method, public Encoder, public Reconstructor, public Sampler {
 public:
  VqVae(const VqVaeConfig& config, const Task& task, const Net&) : config_(config) {
    const CoderSpec spec{
        .shape = task.shape(), .code = config.code, .width = config.width, .seed = task.seed, .mean = task.mean};
    map_ = map_shape(spec);
    encoder_ = register_module("encoder", make_map_encoder(spec));
    decoder_ = register_module("decoder", make_map_decoder(spec));
    pixels_ = register_module("pixels", Pixels(task));
    density_ = register_module("density", CodeDensity(map_.bytes()));
    const int64_t k = config.entries;
    e_ = register_buffer("e", seeded_normal({k, config.code}, task.seed));
    n_ = register_buffer("n", torch::zeros({k}));  // nothing used yet: all entries start from places seen
    m_ = register_buffer("m", torch::zeros_like(e_));
    new_n_ = register_buffer("new_n", torch::zeros_like(n_));
    new_m_ = register_buffer("new_m", torch::zeros_like(e_));
    seen_ = register_buffer("seen", e_.clone());
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = true}; }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor x = pixels_->to_pixels(batch.unlabeled.x.at(0));
    const Tensor z_e = encoder_->forward(batch.unlabeled.x.at(0)).to(torch::kFloat);
    const Tensor k = nearest(places(z_e.detach()));
    const Tensor e = entries_at(k, z_e);
    const Tensor z_q = z_e + (e - z_e).detach();  // straight through: the gradient of z_q goes to z_e
    const Tensor y = decoder_->forward(z_q);

    // L = log p(x | z_q) + β ‖z_e - sg[e]‖²; the entries themselves follow moving averages.
    const Tensor loss_reconstruction = reconstruction_loss("squared_error", x, y);
    const Tensor commitment = (z_e - e).square().flatten(1).sum(1).mean();
    observe(places(z_e.detach()), k);
    density_->observe(z_e.flatten(1));

    step.minimize(loss_reconstruction + config_.beta * commitment);
    step.embeddings(z_q.flatten(1));
    const Tensor share = one_hot_rows(k, config_.entries).mean(0);
    step.log({{"loss/reconstruction", loss_reconstruction},
              {"loss/commitment", commitment},
              {"error/pixel", error_per_pixel(x, y)},
              {"codes/perplexity", torch::exp(-torch::xlogy(share, share).sum())}});
  }

  /// N ← γN + (1 - γ)n, m ← γm + (1 - γ)Σ z_e, e = m / N; entries that are hardly used start anew.
  void updated(double) override {
    const torch::NoGradGuard no_grad;
    n_.mul_(config_.gamma).add_(new_n_, 1.0 - config_.gamma);
    m_.mul_(config_.gamma).add_(new_m_, 1.0 - config_.gamma);
    new_n_.zero_();
    new_m_.zero_();
    const Tensor mean = n_.mean(), dead = n_.le(config_.restart * mean);
    m_.copy_(torch::where(dead.unsqueeze(1), seen_ * mean, m_));
    n_.copy_(torch::where(dead, mean, n_));
    e_.copy_(m_ / n_.clamp_min(1e-12).unsqueeze(1));
    density_->updated();
  }

  Tensor features(const Tensor& x) override { return quantised(encoder_->forward(x)).flatten(1); }
  Tensor reconstruct(const Tensor& x) override { return decode(encoder_->forward(x)); }
  /// The paper fits a PixelCNN to the codes; here a Gaussian over the encoder's maps, then the nearest entries.
  Tensor sample(const SampleRequest& request) override {
    return decode(density_->sample(request.count, request.seed).view({-1, map_.channels, map_.height, map_.width}));
  }

 private:
  /// N × D × h × w → N h w × D.
  Tensor places(const Tensor& map) const { return map.permute({0, 2, 3, 1}).reshape({-1, config_.code}); }
  /// k = argmin_j ‖z_e - e_j‖ at each place.
  Tensor nearest(const Tensor& z) const {
    return (e_.square().sum(1) - 2.0 * z.to(torch::kFloat).mm(e_.t())).argmin(1);
  }
  /// The entries k in the shape of `map`.
  Tensor entries_at(const Tensor& k, const Tensor& map) const {
    return e_.index_select(0, k).view({map.size(0), map.size(2), map.size(3), -1}).permute({0, 3, 1, 2});
  }
  Tensor quantised(const Tensor& map) const { return entries_at(nearest(places(map)), map); }
  Tensor decode(const Tensor& map) { return torch::sigmoid(decoder_->forward(quantised(map))); }

  void observe(const Tensor& z, const Tensor& k) {
    new_n_.index_add_(0, k, torch::ones_like(k, torch::kFloat));
    new_m_.index_add_(0, k, z);
    seen_.copy_(z.index_select(0, torch::randint(z.size(0), {config_.entries}, k.options())));
  }

  VqVaeConfig config_;
  ImageShape map_;
  Coder encoder_, decoder_;
  Pixels pixels_{nullptr};
  CodeDensity density_{nullptr};
  Tensor e_, n_, m_;      // entries K × D, their moving counts and sums
  Tensor new_n_, new_m_;  // counts and sums since the last update
  Tensor seen_;           // K places of the last batch
};

}  // namespace

MethodInfo vq_vae() {
  return describe_method<VqVae, VqVaeConfig>(
             "vq_vae", "VQ-VAE", "arXiv:1711.00937", "self/autoencoding",
             {{"optimizer", {{"name", "adamw"}, {"lr", 1e-3}, {"weight_decay", 0.0}}}, {"train", {{"batch", 64}}}})
      .of({Kind::image, Kind::audio});
}

}  // namespace fewlabel
