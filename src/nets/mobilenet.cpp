// MobileNetV3 (Howard et al. 2019, arXiv:1905.02244), large and small. Those whose names begin with tf_ are padded as
// TensorFlow pads.
#include <vector>

#include "core/number.h"
#include "core/text.h"
#include "nets/mobile.h"

namespace fewlabel {
namespace {

struct MobileStage {
  int64_t blocks, kernel, stride;
  double expansion;
  int64_t width;
  bool squeezes, hard_swish;
  bool begins = true;  // false: more blocks of the stage before
};
const std::vector<MobileStage> kLargeStages = {
    {1, 3, 1, 1, 16, false, false},         {1, 3, 2, 4, 24, false, false}, {1, 3, 1, 3, 24, false, false, false},
    {3, 5, 2, 3, 40, true, false},          {1, 3, 2, 6, 80, false, true},  {1, 3, 1, 2.5, 80, false, true, false},
    {2, 3, 1, 2.3, 80, false, true, false}, {2, 3, 1, 6, 112, true, true},  {3, 5, 2, 6, 160, true, true}};
const std::vector<MobileStage> kSmallStages = {
    {1, 3, 2, 1, 16, true, false}, {1, 3, 2, 4.5, 24, false, false},    {1, 3, 1, 3.67, 24, false, false, false},
    {1, 5, 2, 4, 40, true, true},  {2, 5, 1, 6, 40, true, true, false}, {2, 5, 1, 3, 48, true, true},
    {3, 5, 2, 6, 96, true, true}};
constexpr int64_t kMobileStem = 16;

}  // namespace

MobilePlan mobilenetv3_plan(const std::string& name) {
  const bool small = name.find("small") != std::string::npos;
  const double scale = static_cast<double>(whole_number(split_text(name, '_').back()).value_or(100)) / 100;
  MobilePlan plan{.stem = kMobileStem,
                  .head = small ? 1024 : 1280,
                  .stages = {},
                  .activation = Activation::hard_swish,
                  .squeeze = Activation::relu,
                  .hard_gate = true,
                  .pooled_head = true,
                  .same_padding = name.starts_with("tf_"),
                  .eps = name.starts_with("tf_") ? 1e-3 : 1e-5};
  int64_t in = plan.stem;
  for (const MobileStage& stage : small ? kSmallStages : kLargeStages) {
    if (stage.begins) plan.stages.emplace_back();
    for (int64_t i = 0; i < stage.blocks; ++i) {
      const double wide = static_cast<double>(in) * stage.expansion;
      MobileBlockPlan block{.in = in,
                            .wide = scaled_width(wide),
                            .out = scaled_width(static_cast<double>(stage.width) * scale),
                            .kernel = stage.kernel,
                            .stride = i == 0 ? stage.stride : 1,
                            .squeezed = 0,
                            .activation = stage.hard_swish ? Activation::hard_swish : Activation::relu};
      if (stage.squeezes) block.squeezed = scaled_width(static_cast<double>(block.wide) / 4);
      plan.stages.back().push_back(block);
      in = block.out;
    }
  }
  const int64_t last = scaled_width((small ? 576 : 960) * scale);
  plan.stages.push_back({{.in = in, .wide = 0, .out = last, .activation = Activation::hard_swish}});
  return plan;
}

}  // namespace fewlabel
