// ConvNeXt (Liu et al. 2022, arXiv:2201.03545) and ConvNeXt V2 (Woo et al. 2023, arXiv:2301.00808), whose blocks have
// global response normalisation in place of a scale for each channel. Images N × C × H × W → N × width grid².
#include <algorithm>

#include "encoders/stages.h"
#include "fewlabel/error.h"
#include "kernels/separable_convolution.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

constexpr int64_t kPatch = 4, kWindow = 7, kWider = 4;
constexpr double kNormEps = 1e-6, kFirstScale = 1e-6;

/// Layer norm over the channels of a map N × C × H × W, which lies channels-last.
Tensor norm_channels(torch::nn::LayerNorm& norm, const Tensor& map) {
  return norm->forward(map.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
}

torch::nn::LayerNorm norm_of(int64_t width, double eps = kNormEps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(eps));
}

/// A convolution whose windows do not overlap.
torch::nn::Conv2d tiles(int64_t in, int64_t out, int64_t side) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, side).stride(side));
}

/// x + scale · narrow(gelu(wide(norm(depthwise(x))))).
class ConvNextBlockImpl : public torch::nn::Module {
 public:
  ConvNextBlockImpl(int64_t width, const std::string& kind) {
    conv_ = register_module(
        "conv_dw",
        torch::nn::Conv2d(torch::nn::Conv2dOptions(width, width, kWindow).padding(kWindow / 2).groups(width)));
    norm_ = register_module("norm", norm_of(width));
    wide_ = register_module("fc1", GlorotLinear(width, kWider * width));
    narrow_ = register_module("fc2", GlorotLinear(kWider * width, width));
    if (kind == "scaled") scale_ = register_parameter("gamma", torch::full({width}, kFirstScale));
    if (kind == "grn") {
      response_weight_ = register_parameter("grn_weight", torch::zeros({kWider * width}));
      response_bias_ = register_parameter("grn_bias", torch::zeros({kWider * width}));
    }
  }
  Tensor forward(const Tensor& x) {
    const int64_t around = kWindow / 2;
    Tensor y = kernels::convolve_depthwise(x, conv_->weight, 1, {around, around, around, around});
    y = norm_->forward(y.permute({0, 2, 3, 1}) + conv_->bias);  // N × H × W × C from here on
    y = torch::gelu(wide_->forward(y));
    if (response_weight_.defined()) y = responded(y);
    y = narrow_->forward(y);
    if (scale_.defined()) y = y * scale_;
    return x + y.permute({0, 3, 1, 2});
  }

 private:
  /// Each channel against the others, by its length over all places.
  Tensor responded(const Tensor& y) const {
    const Tensor length = y.norm(2, {1, 2}, /*keepdim=*/true);
    const Tensor share = length / (length.mean(-1, /*keepdim=*/true) + kNormEps);
    return y + torch::addcmul(response_bias_, response_weight_, y * share);
  }

  torch::nn::Conv2d conv_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
  GlorotLinear wide_{nullptr}, narrow_{nullptr};
  Tensor scale_, response_weight_, response_bias_;
};
TORCH_MODULE(ConvNextBlock);

class ConvNext final : public NetModule {
 public:
  ConvNext(const NetSpec& spec, const Stages& plan) : grid_(spec.config.grid) {
    if (plan.block != "scaled" && plan.block != "grn" && plan.block != "plain")
      throw Error(ErrorKind::usage, "net", "net.shape names blocks '" + plan.block + "'",
                  "a convnext has scaled, grn or plain");
    const int64_t smallest = kPatch << (plan.stages.size() - 1);
    const int64_t side = std::min(spec.shape.height, spec.shape.width);
    if (side < smallest)
      throw Error(ErrorKind::usage, "net",
                  "images of " + std::to_string(side) + " pixels are too small for this convnext",
                  "resize them: data.size=" + std::to_string(smallest));
    stem_ = register_module("stem", tiles(spec.shape.channels, plan.stem, kPatch));
    stem_norm_ = register_module("stem_norm", norm_of(plan.stem));
    int64_t in = plan.stem;
    for (std::size_t s = 0; s < plan.stages.size(); ++s) {
      const auto& [width, count] = plan.stages[s];
      const std::string name = "stage" + std::to_string(s);
      stages_.emplace_back();
      if (s > 0 || width != in) {
        stages_.back().norm = register_module(name + "_norm", norm_of(in));
        stages_.back().down = register_module(name + "_down", tiles(in, width, s > 0 ? 2 : 1));
      }
      for (int64_t i = 0; i < count; ++i) stages_.back().blocks->push_back(ConvNextBlock(width, plan.block));
      register_module(name, stages_.back().blocks);
      in = width;
    }
    width_ = in;
    norm_ = register_module("norm", norm_of(width_, spec.config.eps));
    head_ = register_module("head", Head(spec, feature_size()));
  }
  Tensor features(const Tensor& x) override {
    Tensor y = norm_channels(stem_norm_, stem_->forward(x.contiguous(torch::MemoryFormat::ChannelsLast)));
    for (ConvStage& stage : stages_) {
      if (stage.down) y = stage.down->forward(norm_channels(stage.norm, y));
      y = stage.blocks->forward(y);
    }
    const Tensor places = pool_to_grid(y, grid_).view({y.size(0), width_, grid_ * grid_}).transpose(1, 2);
    return norm_->forward(places).transpose(1, 2).flatten(1);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return width_ * grid_ * grid_; }

 private:
  struct ConvStage {
    torch::nn::LayerNorm norm{nullptr};
    torch::nn::Conv2d down{nullptr};
    torch::nn::Sequential blocks;
  };

  int64_t grid_, width_ = 0;
  torch::nn::Conv2d stem_{nullptr};
  torch::nn::LayerNorm stem_norm_{nullptr}, norm_{nullptr};
  std::vector<ConvStage> stages_;
  Head head_{nullptr};
};

}  // namespace

Net make_convnext(const NetSpec& spec) { return std::make_shared<ConvNext>(spec, Stages::parse(spec.config.shape)); }

}  // namespace fewlabel
