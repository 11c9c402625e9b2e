// Denoising autoencoder: Extracting and Composing Robust Features with Denoising Autoencoders.
// Vincent et al., ICML 2008, https://doi.org/10.1145/1390156.1390294.
// An autoencoder that sees a damaged image and must give back the whole one: copying no longer helps.
#include "fewlabel/method.h"
#include "methods/common/code_density.h"
#include "methods/common/coding.h"
#include "methods/common/pixels.h"

namespace fewlabel {
namespace {

struct DenoisingConfig : CodingConfig {
  std::string noise = "masking";
  double nu = 0.25, sigma = 0.3;
  DenoisingConfig() { code = 64; }
  void fields(FieldVisitor& field) {
    field("noise", noise, "how images are damaged", {"masking", "gaussian"});
    field("nu", nu, "masking: share of the pixels that become black (ν)", 0.0, 0.99);
    field("sigma", sigma, "gaussian: deviation of the noise on pixels in [0, 1] (σ)", 0.0, 10.0);
    CodingConfig::fields(field);
  }
};

class Denoising final : public Method, public Encoder, public Reconstructor, public Sampler {
 public:
  Denoising(const DenoisingConfig& config, const Task& task, Net net) : config_(config) {
    const Coding coding = make_coding(config, task, std::move(net), config.code);
    e_theta_ = register_module("encoder", coding.encoder);
    g_phi_ = register_module("decoder", coding.decoder);
    pixels_ = register_module("pixels", Pixels(task));
    density_ = register_module("density", CodeDensity(config.code));
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = true}; }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    // min_{θ,φ} Σ ‖x - G_φ(E_θ(x̃))‖², x̃ ~ q(x̃ | x).
    const Tensor x = pixels_->to_pixels(batch.unlabeled.x.at(0));
    const Tensor a = e_theta_->forward(pixels_->from_pixels(damaged(x)));
    const Tensor y = g_phi_->forward(torch::sigmoid(a));
    const Tensor loss = reconstruction_loss(config_.loss, x, y);
    density_->observe(a);

    step.minimize(loss);
    step.embeddings(torch::sigmoid(a));
    step.log({{"loss/reconstruction", loss}, {"error/pixel", error_per_pixel(x, y)}});
  }

  void updated(double) override { density_->updated(); }

  Tensor features(const Tensor& x) override { return torch::sigmoid(e_theta_->forward(x)); }
  Tensor reconstruct(const Tensor& x) override { return decode(e_theta_->forward(x)); }
  Tensor sample(const SampleRequest& request) override { return decode(density_->sample(request.count, request.seed)); }

 private:
  /// x̃. All channels of a masked pixel become black.
  Tensor damaged(const Tensor& x) const {
    if (config_.noise == "gaussian") return x + config_.sigma * torch::randn_like(x);
    return x * torch::rand_like(x.slice(1, 0, 1)).ge(config_.nu);
  }
  Tensor decode(const Tensor& a) { return torch::sigmoid(g_phi_->forward(torch::sigmoid(a))); }

  DenoisingConfig config_;
  Coder e_theta_, g_phi_;
  Pixels pixels_{nullptr};
  CodeDensity density_{nullptr};  // of the codes before σ
};

}  // namespace

MethodInfo denoising() {
  return describe_method<Denoising, DenoisingConfig>(
             "denoising", "Denoising autoencoder", "doi:10.1145/1390156.1390294", "self/autoencoding",
             {{"optimizer", {{"name", "adamw"}, {"lr", 2e-3}, {"weight_decay", 0.0}}}, {"train", {{"batch", 128}}}})
      .of({Kind::image, Kind::audio});
}

}  // namespace fewlabel
