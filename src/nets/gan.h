// The nets of the adversarial methods, after DCGAN (Radford et al. 2016, arXiv:1511.06434) and SNGAN (Miyato et al.
// 2018, arXiv:1802.05957), small, for any image whose sides are multiples of 4. Sides are halved until they are odd or
// under 8.
#pragma once
#include <torch/torch.h>

#include "fewlabel/image.h"
#include "fewlabel/net.h"

namespace fewlabel {

struct GeneratorSpec {
  ImageShape shape;
  int64_t latent = 64;  // D, the size of a code
  int64_t width = 64;   // channels at half the size; doubled with every further halving, up to four times
  int64_t classes = 0;  // of a conditional generator; 0: none
  uint64_t seed = 0;
};

/// G(z) or G(z, y): a code becomes an image. Batch norm as in DCGAN, so in evaluation an image does not depend on those
/// beside it.
class GeneratorImpl : public torch::nn::Module {
 public:
  explicit GeneratorImpl(const GeneratorSpec& spec);  // by make_generator, which sets the weights
  /// z: N × D; label: int64 N, of a conditional generator. N × C × H × W, pixels in [0, 1].
  Tensor forward(const Tensor& z, const Tensor& label = {});
  void reset(uint64_t seed);

 private:
  void add_norm(int64_t channels);

  GeneratorSpec spec_;
  int64_t channels_ = 0, height_ = 0, width_ = 0;  // of the smallest map
  torch::nn::Linear start_{nullptr};
  std::vector<torch::nn::BatchNorm2d> norms_;  // of the smallest map, then of each convolution's
  std::vector<torch::nn::Conv2d> convs_;       // after each doubling
  torch::nn::Conv2d paint_{nullptr};
};
TORCH_MODULE(Generator);
/// Builds and initialises; the same seed gives the same bits. Throws Error{usage} for sides that are no multiples of 4.
Generator make_generator(const GeneratorSpec& spec);

/// W / σ(W): σ is the largest singular value, followed by one step of power iteration a forward pass in training
/// (Miyato et al. 2018, algorithm 1). Off: W itself.
class SpectralNormImpl : public torch::nn::Module {
 public:
  SpectralNormImpl(const Tensor& weight, bool on);
  /// weight: rows × …
  Tensor forward(const Tensor& weight);
  /// Follows σ until it stands; for weights that were just set, where one step a pass would be too few.
  void settle(const Tensor& weight);

 private:
  void iterate(const Tensor& matrix);
  Tensor u_, v_;  // the singular vectors of σ; buffers
};
TORCH_MODULE(SpectralNorm);

/// A linear layer with W / σ(W): N × in → N × out, in fp32 also under autocast.
class SpectralLinearImpl : public torch::nn::Module {
 public:
  SpectralLinearImpl(int64_t in, int64_t out, bool on);
  Tensor forward(const Tensor& x);
  void settle() { norm_->settle(linear_->weight); }

 private:
  torch::nn::Linear linear_{nullptr};
  SpectralNorm norm_{nullptr};
};
TORCH_MODULE(SpectralLinear);

/// A convolution with W / σ(W).
class SpectralConvImpl : public torch::nn::Module {
 public:
  SpectralConvImpl(const torch::nn::Conv2dOptions& options, bool on);
  Tensor forward(const Tensor& x);
  void settle() { norm_->settle(conv_->weight); }

 private:
  torch::nn::Conv2d conv_{nullptr};
  SpectralNorm norm_{nullptr};
};
TORCH_MODULE(SpectralConv);

struct DiscriminatorSpec {
  ImageShape shape;
  int64_t width = 64;    // as of the generator
  bool spectral = true;  // spectral norm in every layer
  int64_t latent = 0;    // > 0: it judges pairs of an image and a code (BiGAN)
  int64_t classes = 0;   // > 0: it judges pairs of an image and a label (projection: Miyato and Koyama 2018)
  uint64_t seed = 0;
};

/// D(x), D(x, z) or D(x, y) before the sigmoid; without batch norm, so that real and fake examples may share a pass.
class DiscriminatorImpl : public torch::nn::Module {
 public:
  explicit DiscriminatorImpl(const DiscriminatorSpec& spec);  // by make_discriminator, which sets the weights
  /// x: N × C × H × W, normalised; beside: codes N × D or labels int64 N where the spec asks for them. Logits, N.
  Tensor forward(const Tensor& x, const Tensor& beside = {});
  /// The last map, averaged over its four quarters: N × feature_size().
  Tensor features(const Tensor& x);
  int64_t feature_size() const { return 4 * channels_; }
  void reset(uint64_t seed);

 private:
  Tensor map(const Tensor& x);  // N × channels_ × h × w

  DiscriminatorSpec spec_;
  int64_t channels_ = 0;
  torch::nn::ModuleList trunk_;
  SpectralLinear score_{nullptr}, code_{nullptr}, joint_{nullptr}, classes_{nullptr};
};
TORCH_MODULE(Discriminator);
/// Builds and initialises; the same seed gives the same bits. Throws Error{usage} for sides that are no multiples of 4.
Discriminator make_discriminator(const DiscriminatorSpec& spec);

}  // namespace fewlabel
