// Two resolutions, half and a quarter of the image's: the full-size map is where a processor without a GPU spends its
// time, so it is entered by a strided convolution and left by a pixel shuffle. With width 32 0.4 M parameters and
// 17 million multiplications for a 28 × 28 image.
#include "nets/unet.h"

#include <fmt/format.h>

#include <cmath>

#include "fewlabel/error.h"
#include "nets/initialise.h"

namespace fewlabel {
namespace {

namespace nn = torch::nn;

constexpr int64_t kGroups = 8;
constexpr double kTimeScale = 1000.0, kLongestPeriod = 10000.0;

nn::Conv2d convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding((kernel - 1) / 2));
}

/// In fp32 also under autocast: the statistics of bf16 maps would have three digits.
class NormImpl : public nn::Module {
 public:
  explicit NormImpl(int64_t channels)
      : norm_(register_module("norm", nn::GroupNorm(nn::GroupNormOptions(kGroups, channels)))) {}
  Tensor forward(const Tensor& x) { return norm_->forward(x.to(torch::kFloat)); }

 private:
  nn::GroupNorm norm_;
};
TORCH_MODULE(Norm);

/// y = shortcut(x) + conv(silu(scale · norm(conv(silu(norm(x)))) + shift)).
class ConditionedBlockImpl : public nn::Module {
 public:
  ConditionedBlockImpl(int64_t in, int64_t out, int64_t embedding)
      : norm1_(register_module("norm1", Norm(in))),
        conv1_(register_module("conv1", convolution(in, out, 3))),
        embed_(register_module("embed", nn::Linear(embedding, 2 * out))),
        norm2_(register_module("norm2", Norm(out))),
        conv2_(register_module("conv2", convolution(out, out, 3))) {
    if (in != out) shortcut_ = register_module("shortcut", convolution(in, out, 1));
  }
  Tensor forward(const Tensor& x, const Tensor& embedding) {
    const auto parts = embed_->forward(embedding).unsqueeze(2).unsqueeze(3).chunk(2, 1);
    const Tensor h = norm2_->forward(conv1_->forward(torch::silu(norm1_->forward(x))));
    return conv2_->forward(torch::silu(h * (1 + parts[0]) + parts[1])) + (shortcut_ ? shortcut_->forward(x) : x);
  }
  Tensor last_weight() const { return conv2_->weight; }

 private:
  Norm norm1_;
  nn::Conv2d conv1_;
  nn::Linear embed_;
  Norm norm2_;
  nn::Conv2d conv2_, shortcut_{nullptr};
};
TORCH_MODULE(ConditionedBlock);

class TwoLevelUNet final : public UNetModule {
 public:
  explicit TwoLevelUNet(const UNetSpec& spec)
      : width_(spec.width),
        classes_(spec.classes),
        time_(register_module("time", nn::Linear(width_, 4 * width_))),
        class_(register_module("class", nn::Linear(classes_ + 1, 4 * width_))),
        mix_(register_module("mix", nn::Linear(4 * width_, 4 * width_))),
        stem_(register_module("stem", convolution(spec.shape.channels, width_, 4, 2))),
        in_(register_module("in", ConditionedBlock(width_, width_, 4 * width_))),
        down_(register_module("down", convolution(width_, 2 * width_, 3, 2))),
        middle1_(register_module("middle1", ConditionedBlock(2 * width_, 2 * width_, 4 * width_))),
        middle2_(register_module("middle2", ConditionedBlock(2 * width_, 2 * width_, 4 * width_))),
        up_(register_module("up", convolution(2 * width_, width_, 1))),
        out_(register_module("out", ConditionedBlock(2 * width_, width_, 4 * width_))),
        fine_(register_module("fine", convolution(width_, 2 * width_, 3))),
        last_(register_module("last", convolution(width_ / 2 + spec.shape.channels, spec.shape.channels, 3))) {
    initialise(*this, spec.seed, "unet");
    // Blocks start near the identity and the net near zero, yet with a gradient for every weight.
    const torch::NoGradGuard no_grad;
    for (Tensor weight :
         {in_->last_weight(), middle1_->last_weight(), middle2_->last_weight(), out_->last_weight(), last_->weight})
      weight.mul_(0.01);
  }

  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& condition) override {
    const Tensor e = embedding(t, condition);
    const Tensor half = in_->forward(stem_->forward(x), e);
    const Tensor quarter = middle2_->forward(middle1_->forward(down_->forward(half), e), e);
    const Tensor wide = torch::upsample_nearest2d(up_->forward(quarter), half.sizes().slice(2));
    const Tensor merged = out_->forward(torch::cat({wide, half}, 1), e);
    const Tensor full = torch::silu(torch::pixel_shuffle(fine_->forward(merged), 2));
    return last_->forward(torch::cat({full, x.to(full.scalar_type())}, 1)).to(torch::kFloat);
  }

 private:
  /// Sines and cosines of t at falling frequencies (Vaswani et al. 2017), and a row of weights for each condition.
  Tensor embedding(const Tensor& t, const Tensor& condition) {
    const int64_t half = width_ / 2;
    const Tensor frequency =
        torch::exp(torch::arange(half, t.options()) * (-std::log(kLongestPeriod) / static_cast<double>(half)));
    const Tensor angle = kTimeScale * t.unsqueeze(1) * frequency;
    const Tensor row = torch::one_hot(condition, classes_ + 1).to(torch::kFloat);
    const Tensor sum = time_->forward(torch::cat({angle.cos(), angle.sin()}, 1)) + class_->forward(row);
    return torch::silu(mix_->forward(torch::silu(sum)));
  }

  int64_t width_, classes_;
  nn::Linear time_, class_, mix_;
  nn::Conv2d stem_;
  ConditionedBlock in_;
  nn::Conv2d down_;
  ConditionedBlock middle1_, middle2_;
  nn::Conv2d up_;
  ConditionedBlock out_;
  nn::Conv2d fine_, last_;
};

}  // namespace

UNet make_unet(const UNetSpec& spec) {
  if (spec.shape.height < 4 || spec.shape.width < 4 || spec.shape.height % 4 != 0 || spec.shape.width % 4 != 0)
    throw Error(ErrorKind::usage, "net",
                fmt::format("a U-Net needs sides that are multiples of 4, and images are {} x {}", spec.shape.width,
                            spec.shape.height),
                fmt::format("resize them: data.size={}", std::max(spec.shape.height / 4 * 4, 8)));
  if (spec.width < kGroups || spec.width % kGroups != 0)
    throw Error(ErrorKind::usage, "net",
                fmt::format("a U-Net of width {}: wanted a multiple of {}", spec.width, kGroups));
  return std::make_shared<TwoLevelUNet>(spec);
}

}  // namespace fewlabel
