// TC-ResNet: Temporal Convolution for Real-time Keyword Spotting. Choi et al., Interspeech 2019, arXiv:1904.03814.
// The bands of a spectrogram are channels, so that every convolution runs along time alone and sees all of them: a
// tenth of the arithmetic of a net that takes it for a picture.
#include "nets/build.h"

namespace fewlabel {
namespace {

constexpr int64_t kKernel = 9;                            // frames
constexpr int64_t kFirst = 16, kWidths[] = {24, 32, 48};  // times the width factor k
// The paper's last block halves the frames again; then a letter of quick speech would be shorter than a frame.
constexpr int64_t kStrides[] = {2, 2, 1};

torch::nn::Conv2d time_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, {1, kernel}).stride({1, stride}).padding({0, kernel / 2}).bias(false));
}

/// Two convolutions around a shortcut, the first of which may halve the frames.
class TimeBlockImpl : public torch::nn::Module {
 public:
  struct Plan {
    int64_t in, out, stride;
  };
  TimeBlockImpl(const NetSpec& spec, const Plan& plan) {
    const auto [in, out, stride] = plan;
    first_ = register_module("conv1", time_conv(in, out, kKernel, stride));
    first_bn_ = register_module("bn1", batch_norm(spec, out));
    second_ = register_module("conv2", time_conv(out, out, kKernel, 1));
    second_bn_ = register_module("bn2", batch_norm(spec, out));
    shortcut_ = register_module("shortcut", time_conv(in, out, 1, stride));
    shortcut_bn_ = register_module("shortcut_bn", batch_norm(spec, out));
  }
  Tensor forward(const Tensor& x) {
    const Tensor shortcut = kernels::normalise(shortcut_->forward(x), shortcut_bn_, {.leak = 0, .residual = {}});
    const Tensor y = kernels::normalise(first_->forward(x), first_bn_, {.leak = 0, .residual = {}});
    return kernels::normalise(second_->forward(y), second_bn_, {.leak = 0, .residual = shortcut});
  }

 private:
  torch::nn::Conv2d first_{nullptr}, second_{nullptr}, shortcut_{nullptr};
  torch::nn::BatchNorm2d first_bn_{nullptr}, second_bn_{nullptr}, shortcut_bn_{nullptr};
};
TORCH_MODULE(TimeBlock);

class TcResNet final : public NetModule, public FrameEncoder {
 public:
  explicit TcResNet(const NetSpec& spec) {
    const int64_t k = spec.config.width;
    stem_ = register_module("stem", time_conv(spec.shape.height, kFirst * k, 3, 1));
    int64_t in = kFirst * k;
    for (std::size_t i = 0; i < std::size(kWidths); ++i) {
      blocks_->push_back(TimeBlock(spec, TimeBlockImpl::Plan{in, kWidths[i] * k, kStrides[i]}));
      in = kWidths[i] * k;
    }
    register_module("blocks", blocks_);
    features_ = in;
    head_ = register_module("head", Head(spec, features_));
  }
  Tensor features(const Tensor& x) override { return pool_to_grid(map(x), 1); }
  Tensor frames(const Tensor& x) override { return map(x).squeeze(2).transpose(1, 2); }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return features_; }

 private:
  /// N × 1 × mels × frames → N × mels × 1 × frames → N × features × 1 × a quarter of them.
  Tensor map(const Tensor& x) { return blocks_->forward(stem_->forward(x.transpose(1, 2))); }

  int64_t features_ = 0;
  torch::nn::Conv2d stem_{nullptr};
  torch::nn::Sequential blocks_;
  Head head_{nullptr};
};

}  // namespace

Net make_tc_resnet(const NetSpec& spec) { return std::make_shared<TcResNet>(spec); }

}  // namespace fewlabel
