// Residual nets (He et al. 2016, arXiv:1512.03385). Images of up to 64 pixels get the small stem of the CIFAR
// literature, one 3 × 3 convolution without pooling; larger ones ImageNet's 7 × 7 with stride 2 and max pooling.
// In the bottleneck the 3 × 3 convolution carries the stride, as all common implementations have it; in the paper's own
// form (v1) its first convolution does.
#include <algorithm>
#include <optional>
#include <utility>

#include "encoders/stages.h"
#include "fewlabel/error.h"
#include "kernels/separable_convolution.h"
#include "nets/whole_images.h"

namespace fewlabel {
namespace {

constexpr int64_t kTogether = 8 * 224 * 224;  // pixels; each call transforms all filters for Winograd's algorithm
constexpr int32_t kLargestSmall = 64, kSmallestLarge = 32;

/// Convolutions of the given kernel sizes, each followed by batch norm, around a shortcut.
class BlockImpl : public torch::nn::Module {
 public:
  struct Plan {
    std::vector<int64_t> kernels;  // {3, 3}, or {1, 3, 1} with a wider end
    int64_t in, width, out, stride;
    std::size_t strided;  // which of them carries the stride
  };
  BlockImpl(const NetSpec& spec, const Plan& plan) {
    int64_t from = plan.in;
    for (std::size_t i = 0; i < plan.kernels.size(); ++i) {
      const int64_t to = i + 1 == plan.kernels.size() ? plan.out : plan.width;
      const std::string number = std::to_string(i + 1);
      convs_.push_back(
          register_module("conv" + number, conv(from, to, plan.kernels[i], i == plan.strided ? plan.stride : 1)));
      norms_.push_back(register_module("bn" + number, batch_norm(spec, to)));
      from = to;
    }
    if (plan.in != plan.out || plan.stride != 1) {
      shortcut_ = register_module("shortcut", conv(plan.in, plan.out, 1, plan.stride));
      shortcut_bn_ = register_module("shortcut_bn", batch_norm(spec, plan.out));
    }
  }
  Tensor forward(const Tensor& x) {
    const Tensor shortcut =
        shortcut_ ? kernels::normalise(shortcut_->forward(x), shortcut_bn_, {.leak = 1, .residual = {}}) : x;
    Tensor y = x;
    for (std::size_t i = 0; i < convs_.size(); ++i)
      y = kernels::normalise(kernels::convolve(y, convs_[i]), norms_[i],
                             {.leak = 0, .residual = i + 1 < convs_.size() ? Tensor() : shortcut});
    return y;
  }

  const std::vector<torch::nn::Conv2d>& convs() const { return convs_; }
  const std::vector<torch::nn::BatchNorm2d>& norms() const { return norms_; }
  const torch::nn::Conv2d& shortcut() const { return shortcut_; }  // empty: what comes in
  const torch::nn::BatchNorm2d& shortcut_norm() const { return shortcut_bn_; }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
  torch::nn::Conv2d shortcut_{nullptr};
  torch::nn::BatchNorm2d shortcut_bn_{nullptr};
};
TORCH_MODULE(Block);

Tensor folded_result(const kernels::FoldedConvolution& convolution, const torch::nn::Conv2d& of, const Tensor& x) {
  const int64_t around = (*of->options.kernel_size())[0] / 2;
  return convolution(x, {around, around, around, around});
}

/// A block in evaluation without gradient: norms are folded into the convolutions, but for those that Winograd's
/// algorithm does with fewer products.
class FoldedBlock {
 public:
  explicit FoldedBlock(Block block) : block_(std::move(block)) {
    for (std::size_t i = 0; i < block_->convs().size(); ++i) {
      const torch::nn::Conv2d& conv = block_->convs()[i];
      const bool last = i + 1 == block_->convs().size();
      if (kernels::is_plain_3x3(conv, 1) || (last && (*conv->options.kernel_size())[0] != 1))
        convolutions_.emplace_back();
      else
        convolutions_.emplace_back(std::in_place, conv, block_->norms()[i], kRelu);
    }
    if (block_->shortcut())
      shortcut_.emplace(block_->shortcut(), block_->shortcut_norm(), kernels::FoldedConvolution::Limits());
  }
  Tensor operator()(const Tensor& x) const {
    const Tensor shortcut = shortcut_ ? folded_result(*shortcut_, block_->shortcut(), x) : x;
    Tensor y = x;
    for (std::size_t i = 0; i < convolutions_.size(); ++i) {
      const torch::nn::Conv2d& conv = block_->convs()[i];
      const bool last = i + 1 == convolutions_.size();
      if (!convolutions_[i])
        y = kernels::normalise(kernels::convolve(y, conv), block_->norms()[i],
                               {.leak = 0, .residual = last ? shortcut : Tensor()});
      else
        y = last ? convolutions_[i]->plus(y, shortcut) : folded_result(*convolutions_[i], conv, y);
    }
    return y;
  }

 private:
  static constexpr kernels::FoldedConvolution::Limits kRelu{.low = 0};

  Block block_;
  std::vector<std::optional<kernels::FoldedConvolution>> convolutions_;
  std::optional<kernels::FoldedConvolution> shortcut_;
};

bool large_stem(const NetSpec& spec) {
  const int32_t side = std::min(spec.shape.height, spec.shape.width);
  const std::string& stem = spec.config.stem;
  const bool large = stem == "imagenet" || (stem == "auto" && side > kLargestSmall);
  if (large && side < kSmallestLarge)
    throw Error(ErrorKind::usage, "net",
                "images of " + std::to_string(side) + " pixels are too small for stem = imagenet", "use stem = small");
  return large;
}

class ResNet final : public NetModule {
 public:
  ResNet(const NetSpec& spec, const Stages& plan) : large_(large_stem(spec)), grid_(spec.config.grid) {
    const bool basic = plan.block == "basic", first_strides = basic || plan.block == "bottleneck_v1";
    if (!first_strides && plan.block != "bottleneck")
      throw Error(ErrorKind::usage, "net", "net.shape names blocks '" + plan.block + "'",
                  "a resnet has basic, bottleneck or bottleneck_v1");
    stem_ = register_module("stem", conv(spec.shape.channels, plan.stem, large_ ? 7 : 3, large_ ? 2 : 1));
    stem_bn_ = register_module("stem_bn", batch_norm(spec, plan.stem));
    const std::vector<int64_t> kernels = basic ? std::vector<int64_t>{3, 3} : std::vector<int64_t>{1, 3, 1};
    int64_t in = plan.stem;
    for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
      const int64_t out = plan.stages[stage].width, width = basic ? out : out / 4;
      for (int64_t i = 0; i < plan.stages[stage].blocks; ++i) {
        const int64_t stride = stage > 0 && i == 0 ? 2 : 1;
        parts_.emplace_back(spec, BlockImpl::Plan{kernels, in, width, out, stride, first_strides ? 0U : 1U});
        blocks_->push_back(parts_.back());
        in = out;
      }
    }
    register_module("blocks", blocks_);
    feature_size_ = in * grid_ * grid_;
    head_ = register_module("head", Head(spec, feature_size_));
  }
  Tensor features(const Tensor& x) override {
    if (folds(x)) return folded_features(x);
    Tensor y = kernels::normalise(stem_->forward(x), stem_bn_);
    if (large_) y = torch::max_pool2d(y, 3, 2, 1);
    return pool_to_grid(blocks_->forward(y), grid_);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return feature_size_; }

 private:
  bool folds(const Tensor& x) const {
    const auto suits = [&](const torch::nn::Conv2d& conv, const torch::nn::BatchNorm2d& norm) {
      return kernels::FoldedConvolution::suits(x, conv, norm);
    };
    if (at::GradMode::is_enabled() || !kernels::plain_float(x) || !suits(stem_, stem_bn_)) return false;
    return std::all_of(parts_.begin(), parts_.end(), [&](const Block& block) {
      bool all = !block->shortcut() || suits(block->shortcut(), block->shortcut_norm());
      for (std::size_t i = 0; i < block->convs().size(); ++i) all = all && suits(block->convs()[i], block->norms()[i]);
      return all;
    });
  }
  Tensor folded_features(const Tensor& x) const {
    const kernels::FoldedConvolution stem(stem_, stem_bn_, {.low = 0});
    const std::vector<FoldedBlock> blocks(parts_.begin(), parts_.end());
    const auto pooled = [&](const Tensor& images) {
      Tensor y = folded_result(stem, stem_, images);
      if (large_) y = torch::max_pool2d(y, 3, 2, 1);
      for (const FoldedBlock& block : blocks) y = block(y);
      return pool_to_grid(y, grid_);
    };
    return by_images(x, pooled, kTogether);
  }

  bool large_;
  int64_t grid_, feature_size_ = 0;
  torch::nn::Conv2d stem_{nullptr};
  torch::nn::BatchNorm2d stem_bn_{nullptr};
  torch::nn::Sequential blocks_;
  std::vector<Block> parts_;  // of blocks_
  Head head_{nullptr};
};

}  // namespace

Net make_resnet(const NetSpec& spec) {
  if (spec.config.shape.empty())
    throw Error(ErrorKind::usage, "net", "a resnet is made as net.shape says, which is empty",
                "did you mean resnet18, resnet34 or resnet50?");
  return std::make_shared<ResNet>(spec, Stages::parse(spec.config.shape));
}
Net make_resnet18(const NetSpec& spec) {
  return std::make_shared<ResNet>(spec, Stages{64, {{64, 2}, {128, 2}, {256, 2}, {512, 2}}, "basic"});
}
Net make_resnet34(const NetSpec& spec) {
  return std::make_shared<ResNet>(spec, Stages{64, {{64, 3}, {128, 4}, {256, 6}, {512, 3}}, "basic"});
}
Net make_resnet50(const NetSpec& spec) {
  return std::make_shared<ResNet>(spec, Stages{64, {{256, 3}, {512, 4}, {1024, 6}, {2048, 3}}, "bottleneck"});
}

}  // namespace fewlabel
