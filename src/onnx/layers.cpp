// Layers: convolutions, poolings, normalisations, products of matrices.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include "onnx/operators.h"

namespace fewlabel::onnx {
namespace {

constexpr int64_t kLargest = 1 << 20;  // of a kernel, stride, dilation or pad: libtorch computes with 32 bits in places

/// Where a window stands on each spatial axis.
struct Windows {
  Sizes kernel, strides, dilations, before, after;  // before and after: pads

  std::size_t axes() const { return kernel.size(); }
  int64_t extent(std::size_t i) const { return (kernel[i] - 1) * dilations[i] + 1; }
  bool padded() const {
    const auto any = [](const Sizes& pads) {
      return std::any_of(pads.begin(), pads.end(), [](auto n) { return n > 0; });
    };
    return any(before) || any(after);
  }
};

void check(const Call& call, const Sizes& numbers, std::size_t count, int64_t least, const char* name) {
  if (numbers.size() != count) call.refuse(fmt::format("has {} {}, and {} are wanted", numbers.size(), name, count));
  for (const int64_t number : numbers)
    if (number < least || number > kLargest) call.refuse(fmt::format("has {} of {}", name, number));
}

/// Of an input N × C × sizes. With auto_pad the pads depend on them.
Windows windows_of(const Call& call, const Tensor& x, const Sizes& kernel) {
  const auto axes = static_cast<std::size_t>(std::max<int64_t>(x.dim() - 2, 0));
  if (axes < 1 || axes > 2) call.refuse(fmt::format("has an input of {} dimensions; 3 and 4 can be run", x.dim()));
  Windows w;
  w.kernel = kernel;
  w.strides = call.integers("strides", Sizes(axes, 1));
  w.dilations = call.integers("dilations", Sizes(axes, 1));
  check(call, w.kernel, axes, 1, "kernel sizes");
  check(call, w.strides, axes, 1, "strides");
  check(call, w.dilations, axes, 1, "dilations");
  w.before = w.after = Sizes(axes, 0);
  const std::string automatic = call.text("auto_pad", "NOTSET");
  if (automatic == "NOTSET" || automatic.empty()) {
    const Sizes pads = call.integers("pads", Sizes(2 * axes, 0));
    check(call, pads, 2 * axes, 0, "pads");
    const auto half = pads.begin() + static_cast<std::ptrdiff_t>(axes);
    w.before.assign(pads.begin(), half);
    w.after.assign(half, pads.end());
  } else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    for (std::size_t i = 0; i < axes; ++i) {
      const int64_t size = x.size(static_cast<int64_t>(i) + 2), count = (size + w.strides[i] - 1) / w.strides[i];
      const int64_t pad = std::max<int64_t>((count - 1) * w.strides[i] + w.extent(i) - size, 0);
      w.before[i] = automatic == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
      w.after[i] = pad - w.before[i];
    }
  } else if (automatic != "VALID") {
    call.refuse("pads by an unknown auto_pad");
  }
  return w;
}

/// libtorch wants the last axis first.
Tensor padded(const Tensor& x, const Sizes& before, const Sizes& after, double value) {
  Sizes pads;
  for (std::size_t i = before.size(); i-- > 0;) {
    pads.push_back(before[i]);
    pads.push_back(after[i]);
  }
  return at::constant_pad_nd(x, pads, value);
}

Tensors conv(const Call& call) {
  Tensor x = call[0];
  const Tensor& weight = call[1];
  const int64_t groups = call.integer("group", 1);
  if (groups < 1 || weight.dim() != x.dim() || weight.size(0) % groups != 0)
    call.refuse(fmt::format("has {} groups, which do not fit its weights", groups));
  Windows w = windows_of(call, x, weight.sizes().slice(std::min<std::size_t>(2, weight.sizes().size())).vec());
  if (call.has("kernel_shape") && call.integers("kernel_shape") != w.kernel)
    call.refuse("has a kernel_shape that is not that of its weights");
  if (w.before != w.after) {
    x = padded(x, w.before, w.after, 0);
    w.before.assign(w.axes(), 0);
  }
  const Tensor bias = call.optional(2);
  if (w.axes() == 1) return {at::conv1d(x, weight, bias, w.strides, w.before, w.dilations, groups)};
  return {at::conv2d(x, weight, bias, w.strides, w.before, w.dilations, groups)};
}

/// Pads behind the input with which exactly those windows fit that ONNX counts: with ceil_mode the last may hang over,
/// but none begins behind the last value.
Sizes fitting_pads(const Call& call, const Tensor& x, const Windows& w) {
  const bool ceiling = call.integer("ceil_mode", 0) != 0;
  Sizes after(w.axes());
  for (std::size_t i = 0; i < w.axes(); ++i) {
    const int64_t size = x.size(static_cast<int64_t>(i) + 2), room = size + w.before[i] + w.after[i] - w.extent(i);
    if (room < 0) call.refuse("has windows that are larger than its input");
    int64_t steps = (room + (ceiling ? w.strides[i] - 1 : 0)) / w.strides[i];
    if (ceiling && steps * w.strides[i] >= size + w.before[i]) --steps;
    after[i] = steps * w.strides[i] + w.extent(i) - size - w.before[i];
  }
  return after;
}

Tensors max_pool(const Call& call) {
  Tensor x = call[0];
  Windows w = windows_of(call, x, call.integers("kernel_shape"));
  if (call.outputs() > 1) call.refuse("is asked for indices, which it does not give");
  bool simple = w.before == w.after && call.integer("ceil_mode", 0) == 0;
  for (std::size_t i = 0; i < w.axes(); ++i) simple = simple && w.before[i] <= w.kernel[i] / 2;
  if (!simple) {
    x = padded(x, w.before, fitting_pads(call, x, w), -std::numeric_limits<double>::infinity());
    w.before.assign(w.axes(), 0);
  }
  if (w.axes() == 1) return {at::max_pool1d(x, w.kernel, w.strides, w.before, w.dilations)};
  return {at::max_pool2d(x, w.kernel, w.strides, w.before, w.dilations)};
}

Tensor means(const Tensor& x, const Windows& w) {
  return w.axes() == 1 ? at::avg_pool1d(x, w.kernel, w.strides) : at::avg_pool2d(x, w.kernel, w.strides);
}

Tensors average_pool(const Call& call) {
  const Tensor& x = call[0];
  const Windows w = windows_of(call, x, call.integers("kernel_shape"));
  if (std::any_of(w.dilations.begin(), w.dilations.end(), [](int64_t n) { return n != 1; }))
    call.refuse("has dilations, which cannot be run");
  if (!w.padded() && call.integer("ceil_mode", 0) == 0) return {means(x, w)};
  const Sizes after = fitting_pads(call, x, w);
  // The share of each window that counts. Where ceil_mode leads behind the pads, nothing does.
  Tensor counts = torch::ones_like(x.slice(0, 0, 1).slice(1, 0, 1));
  Sizes before = w.before, behind = after;
  if (call.integer("count_include_pad", 0) != 0) {
    counts = padded(counts, w.before, w.after, 1);
    before.assign(w.axes(), 0);
    for (std::size_t i = 0; i < w.axes(); ++i) behind[i] = after[i] - w.after[i];
  }
  return {means(padded(x, w.before, after, 0), w) / means(padded(counts, before, behind, 0), w)};
}

Sizes spatial_axes(const Call& call) {
  Sizes axes;
  for (int64_t i = 2; i < call[0].dim(); ++i) axes.push_back(i);
  if (axes.empty()) call.refuse("has an input without spatial dimensions");
  return axes;
}

/// With the stored statistics, whatever the node says of training: see Operator::fixed.
Tensors batch_normalization(const Call& call) {
  const Tensor x = call[0].to(call[1].scalar_type());  // also under autocast
  const Tensor y = at::batch_norm(x, call[1], call[2], call[3], call[4], /*training=*/false, /*momentum=*/0,
                                  call.real("epsilon", 1e-5), /*cudnn_enabled=*/true);
  return {y, call[3], call[4]};
}

Tensors instance_normalization(const Call& call) {
  const Tensor x = call[0].to(call[1].scalar_type());
  return {at::instance_norm(x, call[1], call[2], {}, {}, /*use_input_stats=*/true, /*momentum=*/0,
                            call.real("epsilon", 1e-5), /*cudnn_enabled=*/true)};
}

Tensors layer_normalization(const Call& call) {
  const Tensor& scale = call[1];
  const Tensor x = call[0].to(scale.scalar_type()), bias = call.optional(2);
  const auto axis = static_cast<std::size_t>(call.axis(call.integer("axis", -1), x.dim()));
  const auto sizes = x.sizes().slice(axis);
  const double epsilon = call.real("epsilon", 1e-5);
  if (scale.sizes() == sizes && (!bias.defined() || bias.sizes() == sizes))
    return {at::layer_norm(x, sizes, scale, bias, epsilon)};
  const Tensor y = at::layer_norm(x, sizes, {}, {}, epsilon) * scale;  // ONNX broadcasts them
  return {bias.defined() ? y + bias : y};
}

Tensors gemm(const Call& call) {
  const Tensor a = call.integer("transA", 0) != 0 ? call[0].t() : call[0];
  const Tensor b = call.integer("transB", 0) != 0 ? call[1].t() : call[1];
  const double alpha = call.real("alpha", 1), beta = call.real("beta", 1);
  if (call.has(2) && alpha == 1 && beta == 1 && call[2].dim() <= 2) return {at::addmm(call[2], a, b)};
  const Tensor product = alpha == 1 ? at::mm(a, b) : at::mm(a, b) * alpha;
  if (!call.has(2)) return {product};
  return {product + (beta == 1 ? call[2] : call[2] * beta)};
}

constexpr Operator kLayers[] = {
    {"Conv", conv},
    {"MaxPool", max_pool},
    {"AveragePool", average_pool},
    {"GlobalAveragePool", [](const Call& call) -> Tensors { return {call[0].mean(spatial_axes(call), true)}; }},
    {"GlobalMaxPool", [](const Call& call) -> Tensors { return {call[0].amax(spatial_axes(call), true)}; }},
    {"BatchNormalization", batch_normalization, 0, 0b11000},
    {"InstanceNormalization", instance_normalization},
    {"LayerNormalization", layer_normalization},
    {"Gemm", gemm},
    {"MatMul", [](const Call& call) -> Tensors { return {at::matmul(call[0], call[1])}; }},
    {"Einsum",
     [](const Call& call) -> Tensors {
       Tensors operands;
       for (std::size_t i = 0; i < call.inputs(); ++i) operands.push_back(call[i]);
       return {at::einsum(call.text("equation", ""), operands)};
     }},
};

}  // namespace

std::span<const Operator> layer_operators() { return kLayers; }

}  // namespace fewlabel::onnx
