// The small fast net for 28 × 28 and 32 × 32: three stages of one strided convolution and one residual block, 0.48 M
// parameters. The stride comes first, because the full-size map is where a processor without a GPU spends its time.
#include "nets/build.h"

namespace fewlabel {
namespace {

constexpr int64_t kWidths[] = {32, 64, 128};

/// y = relu(bn(conv(x))), then y + two convolutions of y.
class StageImpl : public torch::nn::Module {
 public:
  StageImpl(const NetSpec& spec, int64_t in, int64_t out) {
    for (int64_t i = 0; i < 3; ++i) {
      const std::string number = std::to_string(i + 1);
      conv_[i] = register_module("conv" + number, conv(i ? out : in, out, 3, i ? 1 : 2));
      bn_[i] = register_module("bn" + number, batch_norm(spec, out));
    }
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = step(0, x, {});
    return step(2, step(1, y, {}), y);
  }

 private:
  /// relu(bn(conv(x)) + residual)
  Tensor step(std::size_t i, const Tensor& x, const Tensor& residual) {
    return kernels::normalise(kernels::convolve(x, conv_[i]), bn_[i], {.leak = 0, .residual = residual});
  }

  torch::nn::Conv2d conv_[3] = {nullptr, nullptr, nullptr};
  torch::nn::BatchNorm2d bn_[3] = {nullptr, nullptr, nullptr};
};
TORCH_MODULE(Stage);

class Cnn final : public NetModule {
 public:
  explicit Cnn(const NetSpec& spec) : grid_(spec.config.grid) {
    int64_t in = spec.shape.channels;
    for (const int64_t width : kWidths) {
      stages_->push_back(Stage(spec, in, width));
      in = width;
    }
    register_module("stages", stages_);
    head_ = register_module("head", Head(spec, feature_size()));
  }
  Tensor features(const Tensor& x) override { return pool_to_grid(stages_->forward(x), grid_); }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return kWidths[2] * grid_ * grid_; }

 private:
  int64_t grid_;
  torch::nn::Sequential stages_;
  Head head_{nullptr};
};

}  // namespace

Net make_cnn(const NetSpec& spec) { return std::make_shared<Cnn>(spec); }

}  // namespace fewlabel
