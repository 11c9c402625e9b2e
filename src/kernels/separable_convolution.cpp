#include "kernels/separable_convolution.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "kernels/convolution.h"
#include "kernels/depthwise.h"
#include "kernels/pointwise.h"

namespace fewlabel::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;
constexpr int64_t kGrain = 1 << 15;   // products that are worth a thread
constexpr int64_t kCopies = 1 << 16;  // weights whose folding is
constexpr int64_t kPlaces = 1 << 11;  // of a map whose gradients are summed in fp32 before they are added up in fp64

float* data(const Tensor& tensor) { return tensor.data_ptr<float>(); }

Tensor plain(const Tensor& x, const Tensor& weight, int64_t stride, const Border& border) {
  const bool even = border.top == border.bottom && border.left == border.right;
  const std::vector<int64_t> around = even ? std::vector{border.top, border.left} : std::vector<int64_t>{0, 0};
  return at::convolution(even ? x : torch::constant_pad_nd(x, {border.left, border.right, border.top, border.bottom}),
                         weight, {}, {stride, stride}, around, {1, 1}, false, {0, 0}, weight.size(0));
}

depthwise::Shape shape_of(const Tensor& x, int64_t kernel, int64_t stride, const Border& border) {
  const int64_t height = x.size(2), width = x.size(3);
  const int64_t down = (height + border.top + border.bottom - kernel) / stride + 1;
  const int64_t across = (width + border.left + border.right - kernel) / stride + 1;
  return {x.size(1), height, width, down, across, kernel, stride, border.top, border.left};
}

/// Rows of results that are worth a thread.
int64_t grain(const depthwise::Shape& shape) {
  return std::max<int64_t>(kGrain / (shape.across * shape.channels * shape.kernel * shape.kernel), 1);
}

/// x in channels-last order; filters: k² × C.
Tensor filtered(const Tensor& x, const Tensor& filters, const float* shift, const depthwise::Shape& shape,
                const FoldedConvolution::Limits& limits) {
  const Tensor y = at::empty({x.size(0), shape.channels, shape.down, shape.across}, x.options().memory_format(kLayout));
  const depthwise::Forward at{data(x), data(filters), shift, limits.low, limits.high, data(y)};
  at::parallel_for(0, x.size(0) * shape.down, grain(shape),
                   [&](int64_t begin, int64_t end) { depthwise::forward(at, shape, begin, end); });
  return y;
}

/// C × 1 × k × k → k² × C.
Tensor rows_of_taps(const Tensor& weight) { return weight.flatten(1).t().contiguous(); }

struct Depthwise : torch::autograd::Function<Depthwise> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, const Border* border,
                        int64_t stride) {
    const Tensor images = x.contiguous(kLayout);
    ctx->save_for_backward({images, weight});
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["border"] = std::vector<int64_t>{border->top, border->bottom, border->left, border->right};
    return filtered(images, rows_of_taps(weight), nullptr, shape_of(images, weight.size(2), stride, *border), {});
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const std::vector<int64_t> sides = ctx->saved_data["border"].toIntVector();
    const Border border{sides[0], sides[1], sides[2], sides[3]};
    const int64_t stride = ctx->saved_data["stride"].toInt();
    const bool by_x = ctx->needs_input_grad(0), by_weight = ctx->needs_input_grad(1);
    if (at::GradMode::is_enabled()) {  // somebody differentiates the gradient: libtorch knows how
      variable_list all(4), wanted;
      if (by_x) wanted.push_back(x);
      if (by_weight) wanted.push_back(weight);
      const variable_list found =
          torch::autograd::grad({plain(x, weight, stride, border)}, wanted, {gradients[0]}, true, true);
      if (by_x) all[0] = found.front();
      if (by_weight) all[1] = found.back();
      return all;
    }
    const Tensor dy = gradients[0].contiguous(kLayout);
    const depthwise::Shape shape = shape_of(x, weight.size(2), stride, border);
    return {by_x ? gradient_of_x(dy, weight, shape) : Tensor(),
            by_weight ? gradient_of_weight(x, dy, weight, shape) : Tensor(), Tensor(), Tensor()};
  }

  static Tensor gradient_of_x(const Tensor& dy, const Tensor& weight, const depthwise::Shape& shape) {
    if (shape.stride == 1) {
      const int64_t last = shape.kernel - 1;
      const depthwise::Shape turned{shape.channels, shape.down, shape.across,     shape.height,     shape.width,
                                    shape.kernel,   1,          last - shape.top, last - shape.left};
      return filtered(dy, rows_of_taps(weight.flip({2, 3})), nullptr, turned, {});
    }
    const int64_t images = dy.size(0);
    const Tensor dx =
        at::empty({images, shape.channels, shape.height, shape.width}, dy.options().memory_format(kLayout));
    const Tensor filters = rows_of_taps(weight);
    const depthwise::Spread at{data(dy), data(filters), data(dx)};
    at::parallel_for(0, images * shape.height, grain(shape),
                     [&](int64_t begin, int64_t end) { depthwise::spread(at, shape, begin, end); });
    return dx;
  }

  static Tensor gradient_of_weight(const Tensor& x, const Tensor& dy, const Tensor& weight,
                                   const depthwise::Shape& shape) {
    const int64_t rows = dy.size(0) * shape.down, run = std::max<int64_t>(kPlaces / shape.across, 1);
    const int64_t runs = (rows + run - 1) / run;
    const Tensor parts = at::empty({runs, shape.kernel * shape.kernel, shape.channels}, at::kFloat);
    at::parallel_for(0, runs, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        depthwise::backward({data(x), data(dy), data(parts) + r * parts.stride(0)}, shape, r * run,
                            std::min((r + 1) * run, rows));
    });
    const Tensor sum = parts.sum(0, /*keepdim=*/false, at::kDouble).to(at::kFloat);
    return sum.t().reshape(weight.sizes()).contiguous(weight.suggest_memory_format());
  }
};

/// Whether there are loops for a depthwise convolution.
bool known(int64_t channels, int64_t kernel, int64_t stride) {
  const bool small = (kernel == 3 || kernel == 5) && (stride == 1 || stride == 2);
  return channels >= depthwise::kStrip && (small || (kernel == 7 && stride == 1));
}

}  // namespace

Tensor convolve_depthwise(const Tensor& x, const Tensor& weight, int64_t stride, const Border& border) {
  const int64_t kernel = weight.size(2);
  // Wider borders would turn into negative ones in the gradient of x.
  const bool ours = full_float(x) && full_float(weight) && x.dim() == 4 && x.numel() > 0 && weight.size(1) == 1 &&
                    weight.size(3) == kernel && known(x.size(1), kernel, stride) &&
                    std::max({border.top, border.bottom, border.left, border.right}) < kernel &&
                    x.size(2) + border.top + border.bottom >= kernel &&
                    x.size(3) + border.left + border.right >= kernel;
  return ours ? Depthwise::apply(x, weight, &border, stride) : plain(x, weight, stride, border);
}

FoldedConvolution::FoldedConvolution(const torch::nn::Conv2d& layer, const torch::nn::BatchNorm2d& norm,
                                     const Limits& limits)
    : depthwise_(layer->options.groups() > 1),
      in_(layer->options.in_channels()),
      out_(layer->options.out_channels()),
      kernel_((*layer->options.kernel_size())[0]),
      stride_((*layer->options.stride())[0]),
      limits_(limits) {
  const pointwise::Shape shape{0, in_ * kernel_ * kernel_, out_};
  factor_ = at::empty({out_}, at::kFloat);
  shift_ = at::zeros({shape.strips() * pointwise::kStrip}, at::kFloat);
  const float *mean = data(norm->running_mean), *variance = data(norm->running_var);
  const float *weight = data(norm->weight), *bias = data(norm->bias);
  float *factors = data(factor_), *shifts = data(shift_);
  for (int64_t o = 0; o < out_; ++o) {
    const double factor = weight[o] / std::sqrt(variance[o] + norm->options.eps());
    factors[o] = static_cast<float>(factor);
    shifts[o] = static_cast<float>(bias[o] - mean[o] * factor);
  }
  if (depthwise_) {
    filters_ = rows_of_taps(layer->weight.detach()).mul_(factor_);
    return;
  }
  rows_ = layer->weight.detach().permute({0, 2, 3, 1}).contiguous();
  filters_ = at::empty({shape.packed()}, at::kFloat);
  at::parallel_for(
      0, shape.strips(), std::max<int64_t>(kCopies / (pointwise::kStrip * shape.in), 1),
      [&](int64_t begin, int64_t end) { pointwise::pack(data(rows_), factors, shape, begin, end, data(filters_)); });
}

bool FoldedConvolution::suits(const Tensor& x, const torch::nn::Conv2d& layer, const torch::nn::BatchNorm2d& norm) {
  const auto& options = layer->options;
  const auto &kernel = *options.kernel_size(), &stride = *options.stride(), &dilation = *options.dilation();
  const bool square = kernel[0] == kernel[1] && stride[0] == stride[1] && dilation[0] == 1 && dilation[1] == 1;
  const bool channelwise = options.groups() == options.in_channels() && options.in_channels() == options.out_channels();
  const bool ours = options.groups() == 1 || (channelwise && known(options.in_channels(), kernel[0], stride[0]));
  const bool settled = !norm->is_training() && norm->options.affine() && norm->options.track_running_stats();
  return x.dim() == 4 && x.numel() > 0 && full_float(x) && full_float(layer->weight) && !layer->bias.defined() &&
         square && ours && settled && full_float(norm->weight);
}

Tensor FoldedConvolution::operator()(const Tensor& given, const Border& border) const {
  const Tensor x = given.contiguous(kLayout);
  if (depthwise_) return filtered(x, filters_, data(shift_), shape_of(x, kernel_, stride_, border), limits_);
  return kernel_ == 1 && stride_ == 1 && border == Border{} ? pointwise(x, nullptr) : dense(x, border);
}

Tensor FoldedConvolution::plus(const Tensor& x, const Tensor& residual) const {
  TORCH_CHECK(!depthwise_ && kernel_ == 1 && stride_ == 1, "plus() is of 1 x 1 convolutions");
  return pointwise(x.contiguous(kLayout), data(residual.contiguous(kLayout)));
}

Tensor FoldedConvolution::pointwise(const Tensor& x, const float* residual) const {
  const int64_t rows = x.size(0) * x.size(2) * x.size(3);
  const Tensor y = at::empty({x.size(0), out_, x.size(2), x.size(3)}, x.options().memory_format(kLayout));
  at::parallel_for(0, rows, std::max<int64_t>(kGrain / (in_ * out_), 24), [&](int64_t begin, int64_t end) {
    pointwise::multiply({{data(x) + begin * in_, in_, in_, 0},
                         data(filters_),
                         data(shift_),
                         residual ? residual + begin * out_ : nullptr,
                         limits_.low,
                         limits_.high,
                         data(y) + begin * out_},
                        {end - begin, in_, out_});
  });
  return y;
}

void FoldedConvolution::lay_out(const Tensor& x, const Border& border, int64_t image, int64_t down, float* to) const {
  const int64_t height = x.size(2), line = x.size(3) * in_, wide = line + (border.left + border.right) * in_;
  for (int64_t i = 0; i < kernel_; ++i) {
    const int64_t row = down * stride_ - border.top + i;
    float* at = to + i * wide + border.left * in_;
    if (row >= 0 && row < height)
      std::copy_n(data(x) + (image * height + row) * line, line, at);
    else
      std::fill_n(at, line, 0.F);
  }
}

/// The rows of x that one row of results sees are laid out with zeros around them, so that every patch is there.
Tensor FoldedConvolution::dense(const Tensor& x, const Border& border) const {
  const depthwise::Shape shape = shape_of(x, kernel_, stride_, border);
  const int64_t images = x.size(0), piece = kernel_ * in_, wide = (shape.width + border.left + border.right) * in_;
  const Tensor y = at::empty({images, out_, shape.down, shape.across}, x.options().memory_format(kLayout));
  at::parallel_for(0, images * shape.down, 1, [&](int64_t begin, int64_t end) {
    const Tensor seen = at::zeros({kernel_, wide}, at::kFloat);
    for (int64_t r = begin; r < end; ++r) {
      lay_out(x, border, r / shape.down, r % shape.down, data(seen));
      pointwise::multiply({{data(seen), stride_ * in_, piece, wide},
                           data(filters_),
                           data(shift_),
                           nullptr,
                           limits_.low,
                           limits_.high,
                           data(y) + r * shape.across * out_},
                          {shape.across, kernel_ * piece, out_});
    }
  });
  return y;
}

}  // namespace fewlabel::kernels
