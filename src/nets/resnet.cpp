// Residual nets (He et al. 2016, arXiv:1512.03385). Images of up to 64 pixels get the small stem of the CIFAR
// literature, one 3 × 3 convolution without pooling; larger ones ImageNet's 7 × 7 with stride 2 and max pooling.
// In the bottleneck the 3 × 3 convolution carries the stride, as all common implementations have it.
#include <algorithm>
#include <array>

#include "fewlabel/error.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

constexpr int32_t kLargestSmall = 64, kSmallestLarge = 32;

/// Convolutions of the given kernel sizes, each followed by batch norm, around a shortcut.
class BlockImpl : public torch::nn::Module {
 public:
  struct Plan {
    std::vector<int64_t> kernels;  // {3, 3}, or {1, 3, 1} with a wider end
    int64_t in, width, out, stride;
  };
  BlockImpl(const NetSpec& spec, const Plan& plan) {
    int64_t from = plan.in;
    bool strided = false;
    for (std::size_t i = 0; i < plan.kernels.size(); ++i) {
      const int64_t to = i + 1 == plan.kernels.size() ? plan.out : plan.width;
      const int64_t stride = plan.kernels[i] == 3 && !strided ? plan.stride : 1;
      strided = strided || plan.kernels[i] == 3;
      const std::string number = std::to_string(i + 1);
      convs_.push_back(register_module("conv" + number, conv(from, to, plan.kernels[i], stride)));
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

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
  torch::nn::Conv2d shortcut_{nullptr};
  torch::nn::BatchNorm2d shortcut_bn_{nullptr};
};
TORCH_MODULE(Block);

bool large_stem(const NetSpec& spec) {
  const int32_t side = std::min(spec.shape.height, spec.shape.width);
  const std::string& stem = spec.config.stem;
  const bool large = stem == "imagenet" || (stem == "auto" && side > kLargestSmall);
  if (large && side < kSmallestLarge)
    throw Error(ErrorKind::usage, "net",
                "images of " + std::to_string(side) + " pixels are too small for stem = imagenet", "use stem = small");
  return large;
}

struct BlockPlan {
  std::array<int64_t, 4> blocks;
  bool bottleneck;
};

class ResNet final : public NetModule {
 public:
  ResNet(const NetSpec& spec, const BlockPlan& layout) : large_(large_stem(spec)), grid_(spec.config.grid) {
    stem_ = register_module("stem", conv(spec.shape.channels, 64, large_ ? 7 : 3, large_ ? 2 : 1));
    stem_bn_ = register_module("stem_bn", batch_norm(spec, 64));
    const std::vector<int64_t> kernels = layout.bottleneck ? std::vector<int64_t>{1, 3, 1} : std::vector<int64_t>{3, 3};
    int64_t in = 64;
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const int64_t width = int64_t{64} << stage, out = layout.bottleneck ? 4 * width : width;
      for (int64_t i = 0; i < layout.blocks[stage]; ++i) {
        const int64_t stride = stage > 0 && i == 0 ? 2 : 1;
        blocks_->push_back(Block(spec, BlockImpl::Plan{kernels, in, width, out, stride}));
        in = out;
      }
    }
    register_module("blocks", blocks_);
    feature_size_ = in * grid_ * grid_;
    head_ = register_module("head", Head(spec, feature_size_));
  }
  Tensor features(const Tensor& x) override {
    Tensor y = kernels::normalise(stem_->forward(x), stem_bn_);
    if (large_) y = torch::max_pool2d(y, 3, 2, 1);
    return pool_to_grid(blocks_->forward(y), grid_);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return feature_size_; }

 private:
  bool large_;
  int64_t grid_, feature_size_ = 0;
  torch::nn::Conv2d stem_{nullptr};
  torch::nn::BatchNorm2d stem_bn_{nullptr};
  torch::nn::Sequential blocks_;
  Head head_{nullptr};
};

}  // namespace

Net make_resnet18(const NetSpec& spec) { return std::make_shared<ResNet>(spec, BlockPlan{{2, 2, 2, 2}, false}); }
Net make_resnet34(const NetSpec& spec) { return std::make_shared<ResNet>(spec, BlockPlan{{3, 4, 6, 3}, false}); }
Net make_resnet50(const NetSpec& spec) { return std::make_shared<ResNet>(spec, BlockPlan{{3, 4, 6, 3}, true}); }

}  // namespace fewlabel
