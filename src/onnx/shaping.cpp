// Operators that give values another shape, or make values of a shape.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "onnx/operators.h"

namespace fewlabel::onnx {
namespace {

/// As an attribute in older versions, as input 1 in newer ones.
Sizes attribute_or_input(const Call& call, const char* name) {
  return call.has(1) ? call.integers(1) : call.integers(name);
}

Tensors reshape(const Call& call) {
  const Tensor& x = call[0];
  Sizes sizes = call.integers(1);
  const bool literal = call.integer("allowzero", 0) != 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != 0 || literal) continue;
    if (static_cast<int64_t>(i) >= x.dim()) call.refuse("copies a side that its input does not have");
    sizes[i] = x.size(static_cast<int64_t>(i));
  }
  return {x.reshape(sizes)};
}

Tensors flatten(const Call& call) {
  const Tensor& x = call[0];
  int64_t axis = call.integer("axis", 1);
  if (axis != x.dim()) axis = call.axis(axis, std::max<int64_t>(x.dim(), 1));
  const auto sizes = x.sizes();
  const auto product = [](c10::IntArrayRef part) {
    return std::accumulate(part.begin(), part.end(), int64_t{1}, std::multiplies<>());
  };
  const auto split = static_cast<std::size_t>(axis);
  return {x.reshape({product(sizes.slice(0, split)), product(sizes.slice(split))})};
}

Tensors squeeze(const Call& call) {
  const Tensor& x = call[0];
  if (!call.has(1) && !call.has("axes")) return {x.squeeze()};
  Sizes sizes = x.sizes().vec();
  for (int64_t axis : attribute_or_input(call, "axes")) {
    axis = call.axis(axis, x.dim());
    if (x.size(axis) != 1) call.refuse(fmt::format("takes away axis {}, whose size is {}", axis, x.size(axis)));
    sizes[static_cast<std::size_t>(axis)] = -1;
  }
  std::erase(sizes, -1);
  return {x.reshape(sizes)};
}

Tensors unsqueeze(const Call& call) {
  const Tensor& x = call[0];
  Sizes axes = attribute_or_input(call, "axes");
  const int64_t rank = x.dim() + std::ssize(axes);
  for (int64_t& axis : axes) axis = call.axis(axis, rank);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) call.refuse("has an axis twice");
  Tensor y = x;
  for (const int64_t axis : axes) y = y.unsqueeze(axis);
  return {y};
}

Tensors transpose(const Call& call) {
  const Tensor& x = call[0];
  Sizes order(static_cast<std::size_t>(x.dim()));
  std::iota(order.rbegin(), order.rend(), 0);
  return {x.permute(call.integers("perm", order))};
}

Tensors expand(const Call& call) {
  const Tensor& x = call[0];
  Sizes sizes = call.integers(1);
  const auto rank = static_cast<std::size_t>(x.dim());
  if (sizes.size() < rank) sizes.insert(sizes.begin(), rank - sizes.size(), 1);
  for (std::size_t i = 0; i < rank; ++i) {  // a side of 1 in the shape keeps that of the input
    int64_t& side = sizes[sizes.size() - rank + i];
    if (side == 1) side = x.sizes()[i];
  }
  return {x.expand(call.bounded(sizes))};
}

Tensors tile(const Call& call) {
  const Tensor& x = call[0];
  const Sizes repeats = call.integers(1);
  if (std::ssize(repeats) != x.dim()) call.refuse("needs one number for each dimension");
  call.bounded(repeats);
  Sizes sizes = x.sizes().vec();
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] *= repeats[i];
  call.bounded(sizes);
  return {x.repeat(repeats)};
}

Tensors shape(const Call& call) {
  const Tensor& x = call[0];
  const auto clamped = [&x](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + x.dim() : at, 0, x.dim()); };
  const int64_t start = clamped(call.integer("start", 0)), end = clamped(call.integer("end", x.dim()));
  const auto sizes =
      x.sizes().slice(static_cast<std::size_t>(start), static_cast<std::size_t>(std::max<int64_t>(end - start, 0)));
  return {torch::tensor(sizes, at::kLong)};
}

Tensors constant_of_shape(const Call& call) {
  const Sizes sizes = call.integers(0);
  const Tensor value = call.tensor("value");
  if (!value.defined()) return {torch::zeros(call.bounded(sizes, kMostMade))};
  if (value.numel() != 1) call.refuse("needs one value");
  return {value.reshape({}).expand(call.bounded(sizes, kMostMade)).contiguous()};
}

Tensors range(const Call& call) {
  for (std::size_t i = 0; i < 3; ++i)
    if (call[i].numel() != 1) call.refuse("needs three numbers");
  const auto make = [&call](auto start, auto limit, auto step) -> Tensors {
    const double count =
        std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(step));
    if (step == 0 || !std::isfinite(count)) call.refuse("never arrives");
    const auto most = static_cast<int64_t>(std::clamp(count, 0.0, 1e10));
    call.bounded({most}, kMostPlaces);
    return {torch::arange(most, call[0].options()) * step + start};
  };
  if (c10::isIntegralType(call[0].scalar_type(), /*includeBool=*/false))
    return make(call[0].item<int64_t>(), call[1].item<int64_t>(), call[2].item<int64_t>());
  return make(call[0].item<double>(), call[1].item<double>(), call[2].item<double>());
}

Tensors concat(const Call& call) {
  Tensors parts;
  for (std::size_t i = 0; i < call.inputs(); ++i) parts.push_back(call[i]);
  if (parts.empty()) call.refuse("has no inputs");
  return {at::cat(parts, call.axis(call.integer("axis", 0), parts.front().dim()))};
}

Tensors split(const Call& call) {
  const Tensor& x = call[0];
  const int64_t axis = call.axis(call.integer("axis", 0), x.dim()), size = x.size(axis);
  const auto count = static_cast<int64_t>(call.outputs());
  Sizes sizes = attribute_or_input(call, "split");
  if (sizes.empty()) {
    if (count < 1 || call.integer("num_outputs", count) != count) call.refuse("has not as many outputs as it says");
    const int64_t part = (size + count - 1) / count;
    for (int64_t left = size; left > 0; left -= part) sizes.push_back(std::min(part, left));
    sizes.resize(static_cast<std::size_t>(count), 0);
  }
  if (std::ssize(sizes) != count || std::any_of(sizes.begin(), sizes.end(), [](int64_t n) { return n < 0; }))
    call.refuse("has not as many outputs as sizes");
  return x.split_with_sizes(sizes, axis);
}

constexpr Operator kShaping[] = {
    {"Reshape", reshape, 0b10},
    {"Flatten", flatten},
    {"Squeeze", squeeze, 0b10},
    {"Unsqueeze", unsqueeze, 0b10},
    {"Transpose", transpose},
    {"Expand", expand, 0b10},
    {"Tile", tile, 0b10},
    {"Shape", shape},
    {"Size", [](const Call& call) -> Tensors { return {torch::tensor(call[0].numel(), at::kLong)}; }},
    {"ConstantOfShape", constant_of_shape, 0b1},
    {"Range", range, 0b111},
    {"Concat", concat},
    {"Split", split, 0b10},
};

}  // namespace

std::span<const Operator> shaping_operators() { return kShaping; }

}  // namespace fewlabel::onnx
