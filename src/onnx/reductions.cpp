// Operators that make one value of many, and softmax.
#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "onnx/operators.h"

namespace fewlabel::onnx {
namespace {

using Reduction = Tensor (*)(const Tensor& x, const Sizes& axes, bool keep);

/// The axes come as an attribute in older versions, as an input in newer ones; none stands for all.
template <Reduction function>
Tensors reduce(const Call& call) {
  const Tensor& x = call[0];
  Sizes axes = call.has(1) ? call.integers(1) : call.integers("axes");
  for (int64_t& axis : axes) axis = call.axis(axis, x.dim());
  if (axes.empty() && call.integer("noop_with_empty_axes", 0) != 0) return {x};
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(x.dim()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  return {function(x, axes, call.integer("keepdims", 1) != 0)};
}

Tensor sum(const Tensor& x, const Sizes& axes, bool keep) { return at::sum(x, axes, keep, x.scalar_type()); }

Tensor product(const Tensor& x, Sizes axes, bool keep) {
  std::sort(axes.begin(), axes.end(), std::greater<>());
  Tensor result = x;
  for (const int64_t axis : axes) result = at::prod(result, axis, keep, x.scalar_type());
  return result;
}

template <Tensor (*function)(const Tensor&, int64_t)>
Tensors normalised_exponentials(const Call& call) {
  const Tensor& x = call[0];
  if (call.opset() >= 13) return {function(x, call.axis(call.integer("axis", -1), x.dim()))};
  // Before opset 13: over all axes from that one on, as one.
  const auto axis = call.axis(call.integer("axis", 1), x.dim());
  return {function(x.flatten(axis), axis).view(x.sizes())};
}

template <Tensor (*function)(const Tensor&, int64_t)>
Tensors position(const Call& call) {
  const Tensor& x = call[0];
  const int64_t axis = call.axis(call.integer("axis", 0), x.dim());
  const bool last = call.integer("select_last_index", 0) != 0;
  Tensor index = function(last ? x.flip(axis) : x, axis);
  if (last) index = x.size(axis) - 1 - index;
  return {call.integer("keepdims", 1) != 0 ? index : index.squeeze(axis)};
}

Tensors cumulative_sum(const Call& call) {
  const Tensor& x = call[0];
  const Sizes axes = call.integers(1);
  if (axes.size() != 1) call.refuse("needs one axis");
  const int64_t axis = call.axis(axes.front(), x.dim());
  const bool reverse = call.integer("reverse", 0) != 0;
  const Tensor from = reverse ? x.flip(axis) : x;
  Tensor sums = from.cumsum(axis, x.scalar_type());
  if (call.integer("exclusive", 0) != 0) sums = sums - from;
  return {reverse ? sums.flip(axis) : sums};
}

/// Divides by the norm over one axis.
Tensors lp_normalization(const Call& call) {
  const Tensor& x = call[0];
  const int64_t axis = call.axis(call.integer("axis", -1), x.dim()), p = call.integer("p", 2);
  if (p != 1 && p != 2) call.refuse("has a norm other than 1 and 2");
  return {x / at::norm(x, static_cast<double>(p), axis, /*keepdim=*/true)};
}

constexpr InputSet kAxes = 0b10;

constexpr Operator kReductions[] = {
    {"ReduceSum", reduce<sum>, kAxes},
    {"ReduceMean", reduce<[](const Tensor& x, const Sizes& axes, bool keep) { return at::mean(x, axes, keep); }>,
     kAxes},
    {"ReduceMax", reduce<[](const Tensor& x, const Sizes& axes, bool keep) { return at::amax(x, axes, keep); }>, kAxes},
    {"ReduceMin", reduce<[](const Tensor& x, const Sizes& axes, bool keep) { return at::amin(x, axes, keep); }>, kAxes},
    {"ReduceProd", reduce<[](const Tensor& x, const Sizes& axes, bool keep) { return product(x, axes, keep); }>, kAxes},
    {"ReduceL1", reduce<[](const Tensor& x, const Sizes& axes, bool keep) { return sum(x.abs(), axes, keep); }>, kAxes},
    {"ReduceL2", reduce<[](const Tensor& x, const Sizes& axes, bool keep) { return at::norm(x, 2, axes, keep); }>,
     kAxes},
    {"ReduceSumSquare", reduce<[](const Tensor& x, const Sizes& axes, bool keep) { return sum(x * x, axes, keep); }>,
     kAxes},
    {"ReduceLogSumExp",
     reduce<[](const Tensor& x, const Sizes& axes, bool keep) { return at::logsumexp(x, axes, keep); }>, kAxes},
    {"ArgMax", position<[](const Tensor& x, int64_t axis) { return at::argmax(x, axis, true); }>},
    {"ArgMin", position<[](const Tensor& x, int64_t axis) { return at::argmin(x, axis, true); }>},
    {"Softmax", normalised_exponentials<[](const Tensor& x, int64_t axis) { return at::softmax(x, axis); }>},
    {"LogSoftmax", normalised_exponentials<[](const Tensor& x, int64_t axis) { return at::log_softmax(x, axis); }>},
    {"CumSum", cumulative_sum, kAxes},
    {"LpNormalization", lp_normalization},
};

}  // namespace

std::span<const Operator> reduction_operators() { return kReductions; }

}  // namespace fewlabel::onnx
