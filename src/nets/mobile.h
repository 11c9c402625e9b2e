// What EfficientNet and MobileNet are made of: inverted residuals (Sandler et al. 2018, arXiv:1801.04381), with squeeze
// and excitation (Hu et al. 2018, arXiv:1709.01507) or without.
#pragma once
#include <string>
#include <vector>

#include "nets/build.h"

namespace fewlabel {

/// hard_swish: x relu6(x + 3) / 6. swish: x sigmoid(x).
enum class Activation { none, relu, relu6, hard_swish, swish };

struct MobileBlockPlan {
  int64_t in, wide, out;  // wide = in: nothing widens; 0: a 1 × 1 convolution from in to out is all there is
  int64_t kernel = 1, stride = 1;
  int64_t squeezed = 0;  // what squeeze and excitation brings the channels down to; 0: there is none
  Activation activation = Activation::relu;
};
struct MobilePlan {
  int64_t stem, head;
  std::vector<std::vector<MobileBlockPlan>> stages;
  Activation activation = Activation::swish;  // of stem and head
  Activation squeeze = Activation::swish;     // between the two layers of squeeze and excitation
  bool hard_gate = false;                     // relu6(x + 3) / 6 in place of a sigmoid behind them
  bool pooled_head = false;                   // the head's convolution has a bias, no norm, and stands behind pooling
  /// Padded as TensorFlow pads, so that there are ⌈size / stride⌉ results, with stride 2 more at the end than at the
  /// beginning; else both sides alike.
  bool same_padding = false;
  double eps = 1e-5;
};

/// The nearest multiple of 8, but not less than nine tenths.
int64_t scaled_width(double width);

/// By name: efficientnet_b0 to b4; mobilenetv3_large_100 or small, 100 a hundred times the width. tf_ before it: padded
/// as TensorFlow pads.
MobilePlan efficientnet_plan(const std::string& name);
MobilePlan mobilenetv3_plan(const std::string& name);

/// Images N × C × H × W → features N × head grid². Parameters and buffers have the names and shapes of timm's
/// efficientnet_* and mobilenetv3_*, but for the classifier, which is head.linear.
Net make_mobile(const NetSpec& spec, const MobilePlan& plan);

}  // namespace fewlabel
