// Wide residual net (Zagoruyko and Komodakis 2016, arXiv:1605.07146) as FixMatch and its successors train it: leaky
// ReLU of 0.1, batch norm with eps 0.001 and momentum 0.001. wrn_28_2 is their net for CIFAR-10 and SVHN. Their
// convolutions have biases; each feeds a batch norm, which cancels them, so they are left out here.
#include "fewlabel/error.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

constexpr double kEps = 1e-3, kLeak = 0.1;

/// Pre-activation block. Where the width changes, the shortcut is a 1 × 1 convolution of the activated input.
class WideBlockImpl : public torch::nn::Module {
 public:
  WideBlockImpl(const NetSpec& spec, int64_t in, int64_t out, int64_t stride) {
    bn1_ = register_module("bn1", batch_norm(spec, in, kEps));
    conv1_ = register_module("conv1", conv(in, out, 3, stride));
    bn2_ = register_module("bn2", batch_norm(spec, out, kEps));
    conv2_ = register_module("conv2", conv(out, out, 3));
    if (in != out || stride != 1) shortcut_ = register_module("shortcut", conv(in, out, 1, stride));
  }
  Tensor forward(const Tensor& x) {
    const Tensor active = kernels::normalise(x, bn1_, {.leak = kLeak, .residual = {}});
    const Tensor y = kernels::normalise(kernels::convolve(active, conv1_), bn2_, {.leak = kLeak, .residual = {}});
    return kernels::convolve(y, conv2_, shortcut_ ? shortcut_->forward(active) : x);
  }

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, shortcut_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr};
};
TORCH_MODULE(WideBlock);

class Wrn final : public NetModule {
 public:
  explicit Wrn(const NetSpec& spec)
      : grid_(spec.config.grid), feature_size_(64 * spec.config.width * spec.config.grid * spec.config.grid) {
    const int64_t blocks = (spec.config.depth - 4) / 6;
    int64_t in = 16;
    stem_ = register_module("stem", conv(spec.shape.channels, in, 3));
    for (int64_t stage = 0; stage < 3; ++stage) {
      const int64_t out = (int64_t{16} << stage) * spec.config.width;
      for (int64_t i = 0; i < blocks; ++i) {
        blocks_->push_back(WideBlock(spec, in, out, stage > 0 && i == 0 ? 2 : 1));
        in = out;
      }
    }
    register_module("blocks", blocks_);
    bn_ = register_module("bn", batch_norm(spec, in, kEps));
    head_ = register_module("head", Head(spec, feature_size_));
  }
  Tensor features(const Tensor& x) override {
    const Tensor y = blocks_->forward(stem_->forward(x));
    return pool_to_grid(kernels::normalise(y, bn_, {.leak = kLeak, .residual = {}}), grid_);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return feature_size_; }

 private:
  int64_t grid_, feature_size_;
  torch::nn::Conv2d stem_{nullptr};
  torch::nn::Sequential blocks_;
  torch::nn::BatchNorm2d bn_{nullptr};
  Head head_{nullptr};
};

}  // namespace

Net make_wrn(const NetSpec& spec) {
  const int64_t depth = spec.config.depth;
  if (depth < 10 || (depth - 4) % 6 != 0)
    throw Error(ErrorKind::usage, "net", "a wrn cannot have depth " + std::to_string(depth),
                "depth is 6n + 4: 10, 16, 22, 28, 34, 40 …");
  return std::make_shared<Wrn>(spec);
}

}  // namespace fewlabel
