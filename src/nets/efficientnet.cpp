// EfficientNet (Tan and Le 2019, arXiv:1905.11946). Its Lite forms (Liu 2020, TensorFlow's TPU repository) have no
// squeeze and excitation, ReLU6 in place of swish, and stem, head and the outer stages of one size whatever the scale.
// The Lite forms and those whose names begin with tf_ are padded as TensorFlow pads.
#include <array>
#include <cmath>

#include "nets/mobile.h"

namespace fewlabel {
namespace {

constexpr int64_t kStemWidth = 32, kHeadWidth = 1280;
constexpr double kTensorflowEps = 1e-3;

struct EfficientStage {
  int64_t blocks, kernel, stride, expansion, width;
};
constexpr std::array<EfficientStage, 7> kEfficientStages{{{1, 3, 1, 1, 16},
                                                          {2, 3, 2, 6, 24},
                                                          {2, 5, 2, 6, 40},
                                                          {3, 3, 2, 6, 80},
                                                          {3, 5, 1, 6, 112},
                                                          {4, 5, 2, 6, 192},
                                                          {1, 3, 1, 6, 320}}};
struct EfficientScale {
  double width, depth;
};
/// b0 to b4.
constexpr std::array<EfficientScale, 5> kEfficientScales{{{1.0, 1.0}, {1.0, 1.1}, {1.1, 1.2}, {1.2, 1.4}, {1.4, 1.8}}};

MobilePlan efficient_plan(const EfficientScale& scale, bool lite) {
  MobilePlan plan;
  const auto scaled = [&](int64_t width) { return scaled_width(static_cast<double>(width) * scale.width); };
  plan.stem = lite ? kStemWidth : scaled(kStemWidth);
  plan.head = lite ? kHeadWidth : scaled(kHeadWidth);
  plan.activation = lite ? Activation::relu6 : Activation::swish;
  int64_t in = plan.stem;
  for (const EfficientStage& stage : kEfficientStages) {
    const bool fixed = lite && (&stage == &kEfficientStages.front() || &stage == &kEfficientStages.back());
    const auto count =
        fixed ? stage.blocks : static_cast<int64_t>(std::ceil(static_cast<double>(stage.blocks) * scale.depth));
    plan.stages.emplace_back();
    for (int64_t i = 0; i < count; ++i) {
      const MobileBlockPlan block{.in = in,
                                  .wide = in * stage.expansion,
                                  .out = scaled(stage.width),
                                  .kernel = stage.kernel,
                                  .stride = i == 0 ? stage.stride : 1,
                                  .squeezed = lite ? 0 : in / 4,
                                  .activation = plan.activation};
      plan.stages.back().push_back(block);
      in = block.out;
    }
  }
  return plan;
}

Net make_lite(const NetSpec& spec, const EfficientScale& scale) {
  MobilePlan plan = efficient_plan(scale, /*lite=*/true);
  plan.same_padding = true;
  plan.eps = kTensorflowEps;
  return make_mobile(spec, plan);
}

}  // namespace

Net make_efficientnet_lite0(const NetSpec& spec) { return make_lite(spec, {1.0, 1.0}); }
Net make_efficientnet_lite1(const NetSpec& spec) { return make_lite(spec, {1.0, 1.1}); }
Net make_efficientnet_lite2(const NetSpec& spec) { return make_lite(spec, {1.1, 1.2}); }

MobilePlan efficientnet_plan(const std::string& name) {
  MobilePlan plan = efficient_plan(kEfficientScales.at(static_cast<std::size_t>(name.back() - '0')), /*lite=*/false);
  plan.same_padding = name.starts_with("tf_");
  if (plan.same_padding) plan.eps = kTensorflowEps;
  return plan;
}

}  // namespace fewlabel
