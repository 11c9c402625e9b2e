#include "nets/mobile.h"

#include <algorithm>
#include <optional>

#include "kernels/separable_convolution.h"
#include "nets/folded_stack.h"
#include "nets/whole_images.h"

namespace fewlabel {
namespace {

using kernels::Border;
using kernels::FoldedConvolution;

constexpr float kSix = 6;

/// Of activations that are no limits; in place where nobody asks for a gradient.
Tensor curved(Tensor x, Activation activation) {
  const bool in_place = !at::GradMode::is_enabled();
  if (activation == Activation::hard_swish) return in_place ? torch::hardswish_(x) : torch::hardswish(x);
  if (activation == Activation::swish) return in_place ? torch::silu_(x) : torch::silu(x);
  return x;
}

FoldedConvolution::Limits limits_of(Activation activation) {
  FoldedConvolution::Limits limits;
  if (activation == Activation::relu || activation == Activation::relu6) limits.low = 0;
  if (activation == Activation::relu6) limits.high = kSix;
  return limits;
}

/// A convolution without bias, its batch norm, and an activation.
class Unit {
 public:
  struct Style {
    Activation activation;
    bool same_padding;
  };
  Unit(torch::nn::Conv2d conv, torch::nn::BatchNorm2d norm, const Style& style)
      : conv_(std::move(conv)), norm_(std::move(norm)), style_(style) {}
  /// Ready for many calls in evaluation, as long as nothing changes the weights.
  FoldedConvolution folded() const { return {conv_, norm_, limits_of(style_.activation)}; }
  bool folds(const Tensor& x) const { return FoldedConvolution::suits(x, conv_, norm_); }
  Activation activation() const { return style_.activation; }
  Border border(const Tensor& x) const { return border_of(conv_, style_.same_padding, x); }
  /// Whether its activation is made of limits.
  bool is_straight() const {
    return style_.activation != Activation::hard_swish && style_.activation != Activation::swish;
  }
  FoldedLayer layer() const { return {conv_, norm_, limits_of(style_.activation), style_.same_padding, {}}; }
  Tensor forward(const Tensor& x) const {
    const double leak = style_.activation == Activation::relu ? 0 : 1;
    Tensor y = kernels::normalise(convolved(x), norm_, {.leak = leak, .residual = {}});
    return style_.activation == Activation::relu6 ? torch::hardtanh_(y, 0, kSix) : curved(y, style_.activation);
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
  Style style_;
};

/// Squeeze and excitation: each channel times what two layers say of the means of all.
class ExcitationImpl : public torch::nn::Module {
 public:
  struct Plan {
    int64_t channels, squeezed;
    Activation activation;
    bool hard_gate;
  };
  explicit ExcitationImpl(const Plan& plan) : plan_(plan) {
    reduce_ =
        register_module("conv_reduce", torch::nn::Conv2d(torch::nn::Conv2dOptions(plan.channels, plan.squeezed, 1)));
    expand_ =
        register_module("conv_expand", torch::nn::Conv2d(torch::nn::Conv2dOptions(plan.squeezed, plan.channels, 1)));
  }
  Tensor forward(const Tensor& x) {
    const Tensor narrow = layer(reduce_, x.mean({2, 3}));
    const Tensor wide =
        layer(expand_, plan_.activation == Activation::relu ? torch::relu(narrow) : curved(narrow, plan_.activation));
    const Tensor gate = (plan_.hard_gate ? torch::hardsigmoid(wide) : torch::sigmoid(wide)).unsqueeze(2).unsqueeze(3);
    return at::GradMode::is_enabled() ? x * gate : Tensor(x).mul_(gate);
  }

 private:
  static Tensor layer(const torch::nn::Conv2d& of, const Tensor& x) {
    return torch::linear(x, of->weight.flatten(1), of->bias);
  }

  Plan plan_;
  torch::nn::Conv2d reduce_{nullptr}, expand_{nullptr};
};
TORCH_MODULE(Excitation);

/// Wider by a 1 × 1 convolution, depthwise, excited, narrower again; plus the input where sizes agree.
class MobileBlockImpl : public torch::nn::Module {
 public:
  MobileBlockImpl(const NetSpec& spec, const MobilePlan& net, const MobileBlockPlan& plan)
      : shortcut_(plan.wide > 0 && plan.stride == 1 && plan.in == plan.out) {
    const auto add = [&](const std::string& name, torch::nn::Conv2dOptions options, Activation activation) {
      const int64_t out = options.out_channels();
      units_.emplace_back(register_module(name, torch::nn::Conv2d(options.bias(false))),
                          register_module("bn" + std::to_string(units_.size() + 1), batch_norm(spec, out, net.eps)),
                          Unit::Style{activation, net.same_padding});
    };
    if (plan.wide == 0) {
      add("conv", {plan.in, plan.out, 1}, plan.activation);
      return;
    }
    const bool expands = plan.wide > plan.in;
    if (expands) add("conv_pw", {plan.in, plan.wide, 1}, plan.activation);
    add("conv_dw", torch::nn::Conv2dOptions(plan.wide, plan.wide, plan.kernel).stride(plan.stride).groups(plan.wide),
        plan.activation);
    add(expands ? "conv_pwl" : "conv_pw", {plan.wide, plan.out, 1}, Activation::none);
    if (plan.squeezed > 0)
      excitation_ =
          register_module("se", Excitation(ExcitationImpl::Plan{plan.wide, plan.squeezed, net.squeeze, net.hard_gate}));
  }
  Tensor forward(const Tensor& x) {
    Tensor y = x;
    for (const Unit& unit : units_) y = unit.forward(excited(y, unit));
    return shortcut_ ? y + x : y;
  }
  /// What the unit sees of what came before it.
  Tensor excited(const Tensor& y, const Unit& unit) const {
    return excitation_ && &unit == &units_.back() ? Excitation(excitation_)->forward(y) : y;
  }
  const std::vector<Unit>& units() const { return units_; }
  bool shortcut() const { return shortcut_; }
  bool excites() const { return !excitation_.is_empty(); }

 private:
  bool shortcut_;
  std::vector<Unit> units_;
  Excitation excitation_{nullptr};
};
TORCH_MODULE(MobileBlock);

/// The whole net before the pooling in evaluation without gradient.
class FoldedMobile {
 public:
  FoldedMobile(const Unit& stem, const std::vector<MobileBlock>& blocks, const std::optional<Unit>& last)
      : stem_(stem) {
    for (const MobileBlock& block : blocks) {
      blocks_.push_back({block, {}});
      for (const Unit& unit : block->units()) blocks_.back().parts.emplace_back(unit);
    }
    if (last) last_.emplace(*last);
  }
  Tensor operator()(const Tensor& x) const {
    Tensor y = stem_(x);
    for (const Block& block : blocks_) {
      const Tensor start = y;
      for (const Part& part : block.parts) {
        const bool last = &part == &block.parts.back();
        y = block.module->excited(y, *part.unit);
        y = last && block.module->shortcut() ? part.convolution.plus(y, start) : part(y);
      }
    }
    return last_ ? (*last_)(y) : y;
  }

 private:
  struct Part {
    explicit Part(const Unit& of) : unit(&of), convolution(of.folded()) {}
    Tensor operator()(const Tensor& x) const { return curved(convolution(x, unit->border(x)), unit->activation()); }
    const Unit* unit;
    FoldedConvolution convolution;
  };
  struct Block {
    MobileBlock module;
    std::vector<Part> parts;
  };
  Part stem_;
  std::vector<Block> blocks_;
  std::optional<Part> last_;
};

class MobileNet final : public NetModule {
 public:
  MobileNet(const NetSpec& spec, const MobilePlan& plan)
      : width_(plan.head), grid_(spec.config.grid), activation_(plan.activation) {
    const Unit::Style style{plan.activation, plan.same_padding};
    const auto unit = [&](const std::string& conv, const std::string& norm, torch::nn::Conv2dOptions options) {
      const int64_t out = options.out_channels();
      return Unit(register_module(conv, torch::nn::Conv2d(options.bias(false))),
                  register_module(norm, batch_norm(spec, out, plan.eps)), style);
    };
    stem_ = unit("conv_stem", "bn1", torch::nn::Conv2dOptions(spec.shape.channels, plan.stem, 3).stride(2));
    torch::nn::ModuleList stages;
    for (const auto& stage : plan.stages) {
      torch::nn::ModuleList blocks;
      for (const MobileBlockPlan& block : stage) {
        blocks_.emplace_back(spec, plan, block);
        blocks->push_back(blocks_.back());
      }
      stages->push_back(blocks);
    }
    register_module("blocks", stages);
    const int64_t in = plan.stages.back().back().out;
    if (plan.pooled_head)
      pooled_ = register_module("conv_head", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, width_, 1)));
    else
      last_ = unit("conv_head", "bn2", {in, width_, 1});
    head_ = register_module("head", Head(spec, feature_size()));
    if (is_stack()) stack_.emplace(stack_layers());
  }

  Tensor features(const Tensor& x) override {
    if (stack_ && stack_->suits(x)) return stack_->pooled(x, grid_);
    if (!folds(x)) {
      Tensor y = stem_->forward(x);
      for (auto& block : blocks_) y = block->forward(y);
      return pool(last_ ? last_->forward(y) : y);
    }
    const FoldedMobile folded(*stem_, blocks_, last_);
    return by_images(x, [&](const Tensor& images) { return pool(folded(images)); });
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return width_ * grid_ * grid_; }

 private:
  Tensor pool(const Tensor& map) {
    if (!pooled_) return pool_to_grid(map, grid_);
    const Tensor places = pool_to_grid(map, grid_).view({map.size(0), map.size(1), grid_ * grid_}).transpose(1, 2);
    const Tensor y = torch::linear(places, pooled_->weight.flatten(1), pooled_->bias);
    return (activation_ == Activation::relu ? torch::relu(y) : curved(y, activation_)).transpose(1, 2).flatten(1);
  }
  /// Nothing but convolutions, norms, limits and shortcuts.
  bool is_stack() const {
    return last_ && stem_->is_straight() && last_->is_straight() &&
           std::all_of(blocks_.begin(), blocks_.end(), [](const MobileBlock& block) {
             return !block->excites() && std::all_of(block->units().begin(), block->units().end(),
                                                     [](const Unit& unit) { return unit.is_straight(); });
           });
  }
  std::vector<FoldedLayer> stack_layers() const {
    std::vector<FoldedLayer> layers{stem_->layer()};
    for (const MobileBlock& block : blocks_) {
      const std::size_t start = layers.size() - 1;
      for (const Unit& unit : block->units()) layers.push_back(unit.layer());
      if (block->shortcut()) layers.back().plus = start;
    }
    layers.push_back(last_->layer());
    return layers;
  }
  bool folds(const Tensor& x) const {
    if (at::GradMode::is_enabled() || !stem_->folds(x) || (last_ && !last_->folds(x))) return false;
    return std::all_of(blocks_.begin(), blocks_.end(), [&](const MobileBlock& block) {
      return std::all_of(block->units().begin(), block->units().end(), [&](const Unit& unit) { return unit.folds(x); });
    });
  }

  int64_t width_, grid_;
  Activation activation_;
  std::optional<Unit> stem_, last_;
  std::vector<MobileBlock> blocks_;
  std::optional<FoldedStack> stack_;
  torch::nn::Conv2d pooled_{nullptr};
  Head head_{nullptr};
};

}  // namespace

int64_t scaled_width(double width) {
  const int64_t rounded = std::max<int64_t>(static_cast<int64_t>(width + 4) / 8 * 8, 8);
  return static_cast<double>(rounded) < 0.9 * width ? rounded + 8 : rounded;
}

Net make_mobile(const NetSpec& spec, const MobilePlan& plan) { return std::make_shared<MobileNet>(spec, plan); }

Net make_mobile_net(const NetSpec& spec) {
  const std::string& name = *spec.config.name;
  const bool efficient = name.find("efficientnet") != std::string::npos;
  return make_mobile(spec, efficient ? efficientnet_plan(name) : mobilenetv3_plan(name));
}

}  // namespace fewlabel
