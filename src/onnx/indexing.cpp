// Operators that pick values by where they stand: slices, gathers, pads, and images of another size.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "onnx/operators.h"

namespace fewlabel::onnx {
namespace {

Tensor picked(const Tensor& x, int64_t axis, const Sizes& indices) {
  return x.index_select(axis, torch::tensor(indices, at::kLong).to(x.device()));
}

/// 0, 1, 2 …, or the axes that input i or, without it, the attribute names.
Sizes axes_of(const Call& call, Sizes axes, int64_t rank, std::size_t count) {
  if (axes.empty()) {
    axes.resize(count);
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (axes.size() != count) call.refuse(fmt::format("has {} axes for {} numbers", axes.size(), count));
  for (int64_t& axis : axes) axis = call.axis(axis, rank);
  return axes;
}

Tensors slice(const Call& call) {
  Tensor x = call[0];
  const Sizes starts = call.integers(1), ends = call.integers(2);
  const Sizes axes = axes_of(call, call.has(3) ? call.integers(3) : Sizes(), x.dim(), starts.size());
  const Sizes steps = call.has(4) ? call.integers(4) : Sizes(starts.size(), 1);
  if (ends.size() != starts.size() || steps.size() != starts.size()) call.refuse("has not as many ends as starts");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int64_t size = x.size(axes[i]), step = steps[i];
    const auto from_front = [size](int64_t at) { return at < 0 ? at + size : at; };
    if (step == 0) call.refuse("has a step of 0");
    if (step > 0) {
      const int64_t start = std::clamp<int64_t>(from_front(starts[i]), 0, size);
      x = x.slice(axes[i], start, std::clamp<int64_t>(from_front(ends[i]), start, size), step);
      continue;
    }
    Sizes indices;
    const int64_t start = std::clamp<int64_t>(from_front(starts[i]), -1, size - 1);
    const int64_t end = std::clamp<int64_t>(from_front(ends[i]), -1, size - 1);
    for (int64_t at = start; at > end; at += std::max(step, -size)) indices.push_back(at);
    x = picked(x, axes[i], indices);
  }
  return {x};
}

Tensors gather(const Call& call) {
  const Tensor &x = call[0], &given = call[1];
  const int64_t axis = call.axis(call.integer("axis", 0), x.dim()), size = x.size(axis);
  if (!c10::isIntegralType(given.scalar_type(), /*includeBool=*/false)) call.refuse("needs whole numbers as indices");
  const Tensor indices = given.to(at::kLong);
  if (indices.dim() == 0 && indices.is_cpu()) return {x.select(axis, indices.item<int64_t>())};
  const Tensor flat = (indices + indices.lt(0).to(at::kLong) * size).reshape({-1});
  Sizes sizes = x.sizes().vec();
  const auto place = sizes.erase(sizes.begin() + axis);
  sizes.insert(place, indices.sizes().begin(), indices.sizes().end());
  return {x.index_select(axis, flat).reshape(sizes)};
}

Tensors gather_elements(const Call& call) {
  const Tensor &x = call[0], &given = call[1];
  const int64_t axis = call.axis(call.integer("axis", 0), x.dim());
  if (!c10::isIntegralType(given.scalar_type(), /*includeBool=*/false)) call.refuse("needs whole numbers as indices");
  const Tensor indices = given.to(at::kLong);
  return {at::gather(x, axis, indices + indices.lt(0).to(at::kLong) * x.size(axis))};
}

/// Where each place of an axis with pads before and behind takes its value from.
Sizes padded_places(const Call& call, const std::string& mode, int64_t size, int64_t before, int64_t after) {
  if (size == 0 || (mode == "reflect" && std::max(before, after) >= size))
    call.refuse(fmt::format("pads an axis of {} values by more than it can", size));
  call.bounded({std::max<int64_t>(size + before + after, 0)}, kMostPlaces);
  Sizes places;
  for (int64_t at = -before; at < size + after; ++at) {
    if (mode == "reflect")
      places.push_back(size - 1 - std::abs(size - 1 - std::abs(at)));
    else if (mode == "edge")
      places.push_back(std::clamp<int64_t>(at, 0, size - 1));
    else
      places.push_back((at % size + size) % size);
  }
  return places;
}

Tensors pad(const Call& call) {
  Tensor x = call[0];
  const Sizes pads = call.integers(1);
  const std::string mode = call.text("mode", "constant");
  if (pads.size() % 2 != 0) call.refuse("has an odd number of pads");
  const std::size_t count = pads.size() / 2;
  const Sizes axes = axes_of(call, call.has(3) ? call.integers(3) : Sizes(), x.dim(), count);
  Sizes before(static_cast<std::size_t>(x.dim()), 0), after = before, sizes = x.sizes().vec();
  for (std::size_t i = 0; i < count; ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    before[axis] = pads[i];
    after[axis] = pads[count + i];
    if (std::max(std::abs(pads[i]), std::abs(pads[count + i])) > INT32_MAX) call.refuse("has pads that are too large");
    sizes[axis] += pads[i] + pads[count + i];
  }
  call.bounded(sizes);
  if (mode == "constant") {
    Sizes reversed;  // libtorch wants the last axis first
    for (std::size_t i = before.size(); i-- > 0;) reversed.insert(reversed.end(), {before[i], after[i]});
    const auto value = call.has(2) ? call[2].reshape({}).item() : at::Scalar(0);
    return {at::constant_pad_nd(x, reversed, value)};
  }
  if (mode != "reflect" && mode != "edge" && mode != "wrap") call.refuse("pads in an unknown mode");
  for (std::size_t i = 0; i < before.size(); ++i)
    if (before[i] != 0 || after[i] != 0) {
      const auto axis = static_cast<int64_t>(i);
      x = picked(x, axis, padded_places(call, mode, x.size(axis), before[i], after[i]));
    }
  return {x};
}

/// One axis of a Resize.
struct Resampling {
  int64_t axis, from, to;
  float scale;
};

/// Where value `at` of the result lies in the input; in single precision, as the reference computes it.
float source(const Call& call, const std::string& how, const Resampling& r, int64_t at) {
  const auto place = static_cast<float>(at);
  if (how == "asymmetric") return place / r.scale;
  if (how == "align_corners")
    return r.to == 1 ? 0.0F : place * static_cast<float>(r.from - 1) / static_cast<float>(r.to - 1);
  if (how == "pytorch_half_pixel" && r.to == 1) return 0.0F;
  if (how == "half_pixel" || how == "pytorch_half_pixel") return (place + 0.5F) / r.scale - 0.5F;
  call.refuse("maps coordinates by '" + shown(how) + "', which cannot be run");
}

float rounded(const Call& call, const std::string& how, float x) {
  if (how == "floor") return std::floor(x);
  if (how == "ceil") return std::ceil(x);
  if (how == "round_prefer_floor") return std::ceil(x - 0.5F);
  if (how == "round_prefer_ceil") return std::floor(x + 0.5F);
  call.refuse("rounds by '" + shown(how) + "', which cannot be run");
}

std::vector<Resampling> resamplings(const Call& call) {
  const Tensor& x = call[0];
  const bool by_size = call.has(3) && call[3].numel() > 0;
  if (!by_size && !call.has(2)) call.refuse("has neither scales nor sizes");
  const Sizes sizes = by_size ? call.integers(3) : Sizes();
  const Tensor scales = by_size ? Tensor() : call[2].to(at::kCPU, at::kFloat).reshape({-1}).contiguous();
  const auto count = by_size ? sizes.size() : static_cast<std::size_t>(scales.numel());
  const Sizes axes = axes_of(call, call.integers("axes"), x.dim(), count);
  if (call.text("keep_aspect_ratio_policy", "stretch") != "stretch")
    call.refuse("keeps the ratio of its sides, which cannot be run");
  std::vector<Resampling> all;
  Sizes results = x.sizes().vec();
  for (std::size_t i = 0; i < count; ++i) {
    Resampling r{axes[i], x.size(axes[i]), 0, 1.0F};
    if (by_size) {
      r.to = sizes[i];
      r.scale = static_cast<float>(r.to) / static_cast<float>(std::max<int64_t>(r.from, 1));
    } else {
      r.scale = scales.data_ptr<float>()[i];
      const float to = std::floor(static_cast<float>(r.from) * r.scale);
      if (!(to >= 0 && to < 1e9F)) call.refuse("has an impossible scale");
      r.to = static_cast<int64_t>(to);
    }
    if (r.from < 1 || r.to < 1) call.refuse("has an empty side");
    results[static_cast<std::size_t>(r.axis)] = call.bounded({r.to}, kMostPlaces).front();
    if (r.to != r.from || r.scale != 1.0F) all.push_back(r);
  }
  call.bounded(results);
  return all;
}

Tensor nearest(const Call& call, const Tensor& x, const Resampling& r, const std::string& how) {
  const std::string rounding = call.text("nearest_mode", "round_prefer_floor");
  Sizes places;
  for (int64_t at = 0; at < r.to; ++at)
    places.push_back(
        std::clamp<int64_t>(static_cast<int64_t>(rounded(call, rounding, source(call, how, r, at))), 0, r.from - 1));
  return picked(x, r.axis, places);
}

Tensor linear(const Call& call, const Tensor& x, const Resampling& r, const std::string& how) {
  Sizes low, high;
  std::vector<float> shares;  // of the higher one
  for (int64_t at = 0; at < r.to; ++at) {
    const float place = std::clamp(source(call, how, r, at), 0.0F, static_cast<float>(r.from - 1));
    low.push_back(static_cast<int64_t>(place));
    high.push_back(std::min(low.back() + 1, r.from - 1));
    shares.push_back(place - std::floor(place));
  }
  Sizes sizes(static_cast<std::size_t>(x.dim()), 1);
  sizes[static_cast<std::size_t>(r.axis)] = r.to;
  const Tensor share = torch::tensor(shares, at::kFloat).to(x.options()).view(sizes);
  return picked(x, r.axis, low) * (1 - share) + picked(x, r.axis, high) * share;
}

/// One axis after the other, which is the same for nearest and for linear.
Tensors resize(const Call& call) {
  const std::string mode = call.text("mode", "nearest");
  const std::string how = call.text("coordinate_transformation_mode", "half_pixel");
  if (mode != "nearest" && mode != "linear") call.refuse("resizes by '" + shown(mode) + "', which cannot be run");
  if (call.integer("antialias", 0) != 0) call.refuse("resizes with antialias, which cannot be run");
  Tensor x = call[0];
  for (const Resampling& r : resamplings(call))
    x = mode == "nearest" ? nearest(call, x, r, how) : linear(call, x, r, how);
  return {x};
}

constexpr Operator kIndexing[] = {
    {"Slice", slice, 0b11110}, {"Gather", gather},         {"GatherElements", gather_elements},
    {"Pad", pad, 0b1110},      {"Resize", resize, 0b1110},
};

}  // namespace

std::span<const Operator> indexing_operators() { return kIndexing; }

}  // namespace fewlabel::onnx
