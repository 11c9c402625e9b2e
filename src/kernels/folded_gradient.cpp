// What a FoldedConvolution gives back. All of it runs on one thread: a net's threads take images, not layers.
#include <algorithm>
#include <vector>

#include "kernels/depthwise.h"
#include "kernels/pointwise.h"
#include "kernels/separable_convolution.h"

namespace fewlabel::kernels {
namespace {

using at::Tensor;

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;
constexpr int64_t kNear =
    1 << 15;  // numbers of a map that are multiplied together, so that they stay near the processor
constexpr int64_t kRunPlaces = 1 << 11;  // whose gradients of a depthwise filter are summed before they are added

float* data(const Tensor& tensor) { return tensor.data_ptr<float>(); }

/// Sets dy to zero where y stands at a limit, and adds the sums over all places to `shift`.
void through_limits(const Tensor& y, const Tensor& dy, const FoldedConvolution::Limits& limits, const Tensor& shift) {
  const int64_t channels = y.size(1), places = y.numel() / channels;
  std::vector<float> sums(static_cast<std::size_t>(channels), 0.F);
  const float *from = data(y), low = limits.low, high = limits.high;
  float *to = data(dy), *sum = sums.data();
  for (int64_t p = 0; p < places; ++p, from += channels, to += channels)
    for (int64_t c = 0; c < channels; ++c) {
      const float value = from[c] > low && from[c] < high ? to[c] : 0.F;
      to[c] = value;
      sum[c] += value;
    }
  float* all = data(shift);
  for (int64_t c = 0; c < channels; ++c) all[c] += sum[c];
}

/// sum, a × b, += Σ over places of left[p] right[p]ᵀ; left: places × a, right: places × b, whose rows begin `step`
/// after each other.
void add_products(const float* left, int64_t a, const float* right, int64_t b, int64_t step, int64_t places,
                  float* sum) {
  constexpr float kAny = std::numeric_limits<float>::infinity();
  const pointwise::Shape all{a, places, b};
  const int64_t most = std::min(places, std::max<int64_t>(kNear / a, 32));
  std::vector<float> packed(static_cast<std::size_t>(all.strips() * pointwise::kStrip * most));
  const std::vector<float> zeros(static_cast<std::size_t>(all.strips() * pointwise::kStrip), 0.F);
  for (int64_t first = 0; first < places; first += most) {
    const int64_t count = std::min(most, places - first);
    for (int64_t column = 0; column < b; column += pointwise::kStrip) {
      const int64_t wide = std::min(pointwise::kStrip, b - column);
      float* to = packed.data() + column * count;
      for (int64_t p = 0; p < count; ++p, to += pointwise::kStrip) {
        std::copy_n(right + (first + p) * step + column, wide, to);
        std::fill_n(to + wide, pointwise::kStrip - wide, 0.F);
      }
    }
    pointwise::multiply({{left + first * a, 1, 1, a}, packed.data(), zeros.data(), sum, -kAny, kAny, sum},
                        {a, count, b});
  }
}

}  // namespace

/// Products are taken with the smaller side in the rows, so that a block of them stays near the processor.
bool FoldedConvolution::by_inputs() const { return !depthwise_ && kernel_ == 1 && stride_ == 1 && in_ < out_; }

FoldedConvolution::Gradients FoldedConvolution::no_gradients() const {
  const int64_t inner = kernel_ * kernel_ * (depthwise_ ? 1 : in_);
  const bool turned = depthwise_ || by_inputs();
  return {at::zeros({turned ? inner : out_, turned ? out_ : inner}, at::kFloat), at::zeros({out_}, at::kFloat)};
}

void FoldedConvolution::prepare_backward() {
  if (depthwise_) {
    backward_filters_ = stride_ == 1 ? filters_.flip(0).contiguous() : filters_;
  } else if (kernel_ == 1 && stride_ == 1) {
    const Tensor columns = (rows_.view({out_, in_}) * factor_.unsqueeze(1)).t().contiguous();
    const pointwise::Shape shape{0, out_, in_};
    backward_filters_ = at::empty({shape.packed()}, at::kFloat);
    const Tensor ones = at::ones({in_}, at::kFloat);
    pointwise::pack(data(columns), data(ones), shape, 0, shape.strips(), data(backward_filters_));
  }
}

Tensor FoldedConvolution::backward(const Pass& pass, Gradients& sum) const {
  const auto& [x, y, dy, border] = pass;
  through_limits(y, dy, limits_, sum.shift);
  if (depthwise_) return backward_depthwise(pass, sum);
  const int64_t inner = kernel_ * kernel_ * in_;
  if (kernel_ == 1 && stride_ == 1) {
    const int64_t places = dy.numel() / out_;
    if (by_inputs())
      add_products(data(x), in_, data(dy), out_, out_, places, data(sum.filters));
    else
      add_products(data(dy), out_, data(x), in_, in_, places, data(sum.filters));
    const pointwise::Shape shape{places, out_, in_};
    const Tensor zeros = at::zeros({shape.strips() * pointwise::kStrip}, at::kFloat);
    const Tensor dx = at::empty_like(x);
    const Limits none;
    pointwise::multiply(
        {{data(dy), out_, out_, 0}, data(backward_filters_), data(zeros), nullptr, none.low, none.high, data(dx)},
        shape);
    return dx;
  }
  const int64_t down = y.size(2), across = y.size(3), wide = (x.size(3) + border.left + border.right) * in_;
  const Tensor seen = at::zeros({kernel_, wide}, at::kFloat), patches = at::empty({down * across, inner}, at::kFloat);
  for (int64_t image = 0; image < x.size(0); ++image) {
    float* to = data(patches);
    for (int64_t r = 0; r < down; ++r) {
      lay_out(x, border, image, r, data(seen));
      for (int64_t t = 0; t < across; ++t)
        for (int64_t i = 0; i < kernel_; ++i, to += kernel_ * in_)
          std::copy_n(data(seen) + i * wide + t * stride_ * in_, kernel_ * in_, to);
    }
    add_products(data(dy) + image * down * across * out_, out_, data(patches), inner, inner, down * across,
                 data(sum.filters));
  }
  return {};
}

Tensor FoldedConvolution::backward_depthwise(const Pass& pass, Gradients& sum) const {
  const auto& [x, y, dy, border] = pass;
  const int64_t images = x.size(0), height = x.size(2), width = x.size(3), down = y.size(2), across = y.size(3);
  const depthwise::Shape shape{out_, height, width, down, across, kernel_, stride_, border.top, border.left};
  const int64_t rows = images * down, run = std::max<int64_t>(kRunPlaces / across, 1);
  const Tensor part = at::empty_like(sum.filters), dx = at::empty_like(x);
  const int64_t weights = part.numel();
  const float* from = data(part);
  float* to = data(sum.filters);
  for (int64_t first = 0; first < rows; first += run) {
    depthwise::backward({data(x), data(dy), data(part)}, shape, first, std::min(first + run, rows));
    for (int64_t i = 0; i < weights; ++i) to[i] += from[i];
  }
  if (stride_ == 1) {
    const int64_t last = kernel_ - 1;
    const depthwise::Shape turned{out_, down, across, height, width, kernel_, 1, last - border.top, last - border.left};
    const Limits none;
    depthwise::forward({data(dy), data(backward_filters_), nullptr, none.low, none.high, data(dx)}, turned, 0,
                       images * height);
  } else {
    depthwise::spread({data(dy), data(backward_filters_), data(dx)}, shape, 0, images * height);
  }
  return dx;
}

std::array<Tensor, 3> FoldedConvolution::unfolded(const Gradients& sum, const torch::nn::Conv2d& layer,
                                                  const torch::nn::BatchNorm2d& norm) const {
  const Tensor filters = depthwise_ || by_inputs() ? sum.filters.t() : sum.filters;  // out × the others, k² · in
  const Tensor weight = layer->weight.detach().permute({0, 2, 3, 1}).reshape({out_, -1});
  const Tensor scale = (norm->running_var + norm->options.eps()).rsqrt();
  const Tensor by_factor = (filters * weight).sum(1) - norm->running_mean * sum.shift;
  const c10::IntArrayRef sizes = layer->weight.sizes();
  return {(filters * factor_.unsqueeze(1))
              .reshape({out_, sizes[2], sizes[3], sizes[1]})
              .permute({0, 3, 1, 2})
              .contiguous(layer->weight.suggest_memory_format()),
          by_factor * scale, sum.shift};
}

}  // namespace fewlabel::kernels
