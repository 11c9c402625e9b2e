// Autoencoder: Reducing the Dimensionality of Data with Neural Networks.
// Hinton and Salakhutdinov, Science 2006, https://doi.org/10.1126/science.1127647.
// An image is squeezed into a few numbers and made again from these; what gets through must be what matters.
#include "fewlabel/method.h"
#include "methods/common/code_density.h"
#include "methods/common/coding.h"
#include "methods/common/pixels.h"

namespace fewlabel {
namespace {

class Autoencoder final : public Method, public Encoder, public Reconstructor, public Sampler {
 public:
  Autoencoder(const CodingConfig& config, const Task& task, Net net) : config_(config) {
    const Coding coding = make_coding(config, task, std::move(net), config.code);
    e_theta_ = register_module("encoder", coding.encoder);
    g_phi_ = register_module("decoder", coding.decoder);
    pixels_ = register_module("pixels", Pixels(task));
    density_ = register_module("density", CodeDensity(config.code));
  }

  Needs needs() const override {
    return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = config_.loss == "gaussian"};
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    // min_{θ,φ} Σ ‖x - G_φ(E_θ(x))‖²; the code is σ of E's last layer, the image σ of G's.
    const Tensor& input = batch.unlabeled.x.at(0);
    const Tensor x = pixels_->to_pixels(input);
    const Tensor a = e_theta_->forward(input);
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
  Tensor decode(const Tensor& a) { return torch::sigmoid(g_phi_->forward(torch::sigmoid(a))); }

  CodingConfig config_;
  Coder e_theta_, g_phi_;
  Pixels pixels_{nullptr};
  CodeDensity density_{nullptr};  // of the codes before σ
};

}  // namespace

MethodInfo autoencoder() {
  return describe_method<Autoencoder, CodingConfig>(
             "autoencoder", "Autoencoder", "doi:10.1126/science.1127647", "self/autoencoding",
             {{"optimizer", {{"name", "adamw"}, {"lr", 2e-3}, {"weight_decay", 0.0}}}, {"train", {{"batch", 128}}}})
      .of({Kind::image, Kind::audio});
}

}  // namespace fewlabel
