// EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946; the Lite forms: Liu 2020, TensorFlow's TPU repository): without
// squeeze and excitation, ReLU6, stem and head of one width whatever the scale. Its convolutions are padded as
// TensorFlow pads, with stride 2 more at the end than at the beginning. Parameters and buffers have the names and
// shapes of timm's tf_efficientnet_lite*, but for the classifier, which is head.linear.
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "kernels/separable_convolution.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

using kernels::Border;
using kernels::FoldedConvolution;

constexpr int64_t kStemWidth = 32, kHeadWidth = 1280;
constexpr double kLiteEps = 1e-3;
constexpr float kSix = 6;
constexpr int64_t kPixelsTogether = 224 * 224;  // of images whose maps stay near a processor

struct LiteStage {
  int64_t blocks, kernel, stride, expansion, width;
};
constexpr std::array<LiteStage, 7> kLiteStages{{{1, 3, 1, 1, 16},
                                                {2, 3, 2, 6, 24},
                                                {2, 5, 2, 6, 40},
                                                {3, 3, 2, 6, 80},
                                                {3, 5, 1, 6, 112},
                                                {4, 5, 2, 6, 192},
                                                {1, 3, 1, 6, 320}}};
struct LiteScale {
  double width, depth;
};

/// The nearest multiple of 8, but not less than nine tenths.
int64_t scaled_width(int64_t width, double scale) {
  const double wanted = static_cast<double>(width) * scale;
  const int64_t rounded = std::max<int64_t>(static_cast<int64_t>(wanted + 4) / 8 * 8, 8);
  return static_cast<double>(rounded) < 0.9 * wanted ? rounded + 8 : rounded;
}

/// Zeros that give ⌈size / stride⌉ results a side, the odd one at the end.
Border same_border(const Tensor& x, int64_t kernel, int64_t stride) {
  const auto needed = [&](int64_t size) {
    return std::max<int64_t>(((size + stride - 1) / stride - 1) * stride + kernel - size, 0);
  };
  const int64_t rows = needed(x.size(2)), columns = needed(x.size(3));
  return {rows / 2, rows - rows / 2, columns / 2, columns - columns / 2};
}

/// A convolution without bias, its batch norm, and perhaps ReLU6.
class Unit {
 public:
  Unit(torch::nn::Conv2d conv, torch::nn::BatchNorm2d norm, bool active)
      : conv_(std::move(conv)), norm_(std::move(norm)), active_(active) {}
  /// Ready for many calls in evaluation, as long as nothing changes the weights.
  FoldedConvolution folded() const {
    return active_ ? FoldedConvolution(conv_, norm_, {.low = 0, .high = kSix}) : FoldedConvolution(conv_, norm_, {});
  }
  bool folds(const Tensor& x) const { return FoldedConvolution::suits(x, conv_, norm_); }
  Border border(const Tensor& x) const { return same_border(x, kernel(), (*conv_->options.stride())[0]); }
  Tensor forward(const Tensor& x) const {
    Tensor y = kernels::normalise(convolved(x), norm_, {.leak = 1, .residual = {}});
    return active_ ? torch::hardtanh_(y, 0, kSix) : y;
  }

 private:
  int64_t kernel() const { return (*conv_->options.kernel_size())[0]; }
  Tensor convolved(const Tensor& x) const {
    if (kernel() == 1) return torch::nn::Conv2d(conv_)->forward(x);
    const Border at = border(x);
    if (conv_->options.groups() > 1)
      return kernels::convolve_depthwise(x, conv_->weight, (*conv_->options.stride())[0], at);
    return torch::nn::Conv2d(conv_)->forward(torch::constant_pad_nd(x, {at.left, at.right, at.top, at.bottom}));
  }

  torch::nn::Conv2d conv_;
  torch::nn::BatchNorm2d norm_;
  bool active_;
};

struct LitePlan {
  int64_t in, out, kernel, stride, expansion;
};

/// Wider by a 1 × 1 convolution, unless the expansion is 1, depthwise, narrower again; plus the input where sizes
/// agree.
class LiteBlockImpl : public torch::nn::Module {
 public:
  LiteBlockImpl(const NetSpec& spec, const LitePlan& plan) : shortcut_(plan.stride == 1 && plan.in == plan.out) {
    const int64_t wide = plan.in * plan.expansion;
    const bool expands = plan.expansion > 1;
    if (expands) add(spec, "conv_pw", {plan.in, wide, 1}, true);
    add(spec, "conv_dw", torch::nn::Conv2dOptions(wide, wide, plan.kernel).stride(plan.stride).groups(wide), true);
    add(spec, expands ? "conv_pwl" : "conv_pw", {wide, plan.out, 1}, false);
  }
  Tensor forward(const Tensor& x) {
    Tensor y = x;
    for (const Unit& unit : units_) y = unit.forward(y);
    return shortcut_ ? y + x : y;
  }
  const std::vector<Unit>& units() const { return units_; }
  bool shortcut() const { return shortcut_; }

 private:
  void add(const NetSpec& spec, const std::string& name, torch::nn::Conv2dOptions options, bool active) {
    const int64_t out = options.out_channels();
    units_.emplace_back(register_module(name, torch::nn::Conv2d(options.bias(false))),
                        register_module("bn" + std::to_string(units_.size() + 1), batch_norm(spec, out, kLiteEps)),
                        active);
  }

  bool shortcut_;
  std::vector<Unit> units_;
};
TORCH_MODULE(LiteBlock);

/// The whole net but the head in evaluation without gradient.
class FoldedLite {
 public:
  FoldedLite(const Unit& stem, const std::vector<LiteBlock>& blocks, const Unit& last)
      : stem_(stem), last_(last.folded()) {
    for (const LiteBlock& block : blocks) {
      blocks_.push_back({{}, block->shortcut()});
      for (const Unit& unit : block->units()) blocks_.back().units.emplace_back(unit);
    }
  }
  Tensor operator()(const Tensor& x) const {
    Tensor y = stem_(x);
    for (const Block& block : blocks_) {
      const Tensor start = y;
      for (const Part& part : block.units)
        y = block.shortcut && &part == &block.units.back() ? part.convolution.plus(y, start) : part(y);
    }
    return last_(y);
  }

 private:
  struct Part {
    explicit Part(const Unit& of) : unit(&of), convolution(of.folded()) {}
    Tensor operator()(const Tensor& x) const { return convolution(x, unit->border(x)); }
    const Unit* unit;
    FoldedConvolution convolution;
  };
  struct Block {
    std::vector<Part> units;
    bool shortcut;
  };
  Part stem_;
  std::vector<Block> blocks_;
  FoldedConvolution last_;
};

class EfficientNet final : public NetModule {
 public:
  EfficientNet(const NetSpec& spec, const LiteScale& scale) : grid_(spec.config.grid) {
    stem_ = unit(spec, "conv_stem", "bn1", torch::nn::Conv2dOptions(spec.shape.channels, kStemWidth, 3).stride(2));
    torch::nn::ModuleList stages;
    int64_t in = kStemWidth;
    for (const LiteStage& stage : kLiteStages) {
      const bool fixed = &stage == &kLiteStages.front() || &stage == &kLiteStages.back();
      const int64_t out = scaled_width(stage.width, scale.width);
      const auto count =
          fixed ? stage.blocks : static_cast<int64_t>(std::ceil(static_cast<double>(stage.blocks) * scale.depth));
      torch::nn::ModuleList blocks;
      for (int64_t i = 0; i < count; ++i) {
        blocks_.emplace_back(spec, LitePlan{in, out, stage.kernel, i == 0 ? stage.stride : 1, stage.expansion});
        blocks->push_back(blocks_.back());
        in = out;
      }
      stages->push_back(blocks);
    }
    register_module("blocks", stages);
    last_ = unit(spec, "conv_head", "bn2", {in, kHeadWidth, 1});
    head_ = register_module("head", Head(spec, feature_size()));
  }

  Tensor features(const Tensor& x) override {
    if (!folds(x)) {
      Tensor y = stem_->forward(x);
      for (auto& block : blocks_) y = block->forward(y);
      return pool_to_grid(last_->forward(y), grid_);
    }
    return features_of(x, FoldedLite(*stem_, blocks_, *last_));
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return kHeadWidth * grid_ * grid_; }

 private:
  std::optional<Unit> unit(const NetSpec& spec, const std::string& conv, const std::string& norm,
                           torch::nn::Conv2dOptions options) {
    const int64_t out = options.out_channels();
    return Unit(register_module(conv, torch::nn::Conv2d(options.bias(false))),
                register_module(norm, batch_norm(spec, out, kLiteEps)), true);
  }
  /// Each thread takes whole images, a few at a time, where there are enough of them: threads that wait for one another
  /// after every layer lose more than they gain on a machine that does something else, too.
  Tensor features_of(const Tensor& x, const FoldedLite& folded) const {
    const int64_t count = x.size(0), threads = at::get_num_threads();
    const int64_t most = std::max<int64_t>(kPixelsTogether / (x.size(2) * x.size(3)), 1);
    const bool whole = count >= threads;
    const std::vector<Tensor> images = x.split(whole ? std::min(most, count / threads) : most * threads);
    std::vector<Tensor> parts(images.size());
    const auto number = static_cast<int64_t>(images.size());
    at::parallel_for(0, number, whole ? 1 : number, [&](int64_t begin, int64_t end) {
      const torch::NoGradGuard no_grad;  // the thread's own
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
        parts[i] = pool_to_grid(folded(images[i]), grid_);
    });
    return torch::cat(parts);
  }
  bool folds(const Tensor& x) const {
    if (at::GradMode::is_enabled() || !stem_->folds(x) || !last_->folds(x)) return false;
    return std::all_of(blocks_.begin(), blocks_.end(), [&](const LiteBlock& block) {
      return std::all_of(block->units().begin(), block->units().end(), [&](const Unit& unit) { return unit.folds(x); });
    });
  }

  int64_t grid_;
  std::optional<Unit> stem_, last_;
  std::vector<LiteBlock> blocks_;
  Head head_{nullptr};
};

}  // namespace

Net make_efficientnet_lite0(const NetSpec& spec) { return std::make_shared<EfficientNet>(spec, LiteScale{1.0, 1.0}); }
Net make_efficientnet_lite1(const NetSpec& spec) { return std::make_shared<EfficientNet>(spec, LiteScale{1.0, 1.1}); }
Net make_efficientnet_lite2(const NetSpec& spec) { return std::make_shared<EfficientNet>(spec, LiteScale{1.1, 1.2}); }

}  // namespace fewlabel
