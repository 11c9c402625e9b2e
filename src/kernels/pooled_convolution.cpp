#include "kernels/pooled_convolution.h"

#include <ATen/Parallel.h>

#include "kernels/convolution.h"
#include "kernels/pooled.h"

namespace fewlabel::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kMostChannels = 4;
constexpr int64_t kImages = 16;  // whose gradients are summed in fp32 before they are added up in fp64

float* data(const Tensor& tensor) { return tensor.data_ptr<float>(); }

pooled::Shape shape_of(const Tensor& x, const Tensor& weight) {
  return {x.size(2), x.size(3), x.size(1), weight.size(0)};
}

/// Calls f(first image, number of images, scratch) for runs of images.
template <typename F>
void for_runs(int64_t images, const pooled::Shape& shape, const F& f) {
  at::parallel_for(0, (images + kImages - 1) / kImages, 1, [&](int64_t begin, int64_t end) {
    const Tensor row = at::empty({shape.across() * shape.out}, at::kFloat);
    for (int64_t run = begin; run < end; ++run) f(run * kImages, std::min(kImages, images - run * kImages), data(row));
  });
}

/// y, and which place each came from.
std::pair<Tensor, Tensor> pooled_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, bool winners) {
  const pooled::Shape shape = shape_of(x, weight);
  const Tensor filters = weight.permute({2, 3, 1, 0}).contiguous();
  const Tensor y = at::empty({x.size(0), shape.out, shape.down(), shape.across()}, x.options());
  const Tensor winner = winners ? at::empty({x.size(0) * shape.results()}, at::kByte) : Tensor();
  for_runs(x.size(0), shape, [&](int64_t first, int64_t count, float* row) {
    uint8_t* places = winners ? winner.data_ptr<uint8_t>() + first * shape.results() : nullptr;
    pooled::forward(
        {data(x) + first * shape.pixels(), data(filters), data(bias), data(y) + first * shape.results(), row, places},
        shape, count);
  });
  return {y, winner};
}

struct ConvolveAndPool : torch::autograd::Function<ConvolveAndPool> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    auto [y, winner] = pooled_forward(x, weight, bias, true);
    ctx->save_for_backward({x, weight, bias, winner});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &winner = saved[3];
    if (at::GradMode::is_enabled()) {  // somebody differentiates the gradient: libtorch knows how
      const Tensor y = torch::max_pool2d(torch::relu(torch::conv2d(x, weight, saved[2])), 2);
      const variable_list all = torch::autograd::grad({y}, {weight, saved[2]}, {gradients[0]}, true, true);
      return {Tensor(), all[0], all[1]};
    }
    const pooled::Shape shape = shape_of(x, weight);
    const Tensor dy = gradients[0].contiguous();
    const int64_t images = x.size(0), runs = (images + kImages - 1) / kImages;
    const Tensor parts = at::zeros({runs, shape.taps() + 1, shape.out}, at::kFloat);
    for_runs(images, shape, [&](int64_t first, int64_t count, float* row) {
      float* part = data(parts) + first / kImages * (shape.taps() + 1) * shape.out;
      pooled::backward(
          {data(x) + first * shape.pixels(), data(dy) + first * shape.results(),
           winner.data_ptr<uint8_t>() + first * shape.results(), part, part + shape.taps() * shape.out, row},
          shape, count);
    });
    const Tensor sum = parts.sum(0, /*keepdim=*/false, at::kDouble).to(at::kFloat);
    const Tensor dweight = sum.slice(0, 0, shape.taps()).view({3, 3, shape.in, shape.out}).permute({3, 2, 0, 1});
    return {Tensor(), dweight.contiguous(weight.suggest_memory_format()), sum[shape.taps()]};
  }
};

}  // namespace

Tensor convolve_and_pool(const Tensor& x, const torch::nn::Conv2d& layer) {
  const Tensor& weight = layer->weight;
  const bool ours = full_float(x) && full_float(weight) && layer->bias.defined() && !x.requires_grad() &&
                    is_plain_3x3(layer, 0) && weight.size(0) % pooled::kStrip == 0 && weight.size(1) <= kMostChannels &&
                    x.size(2) >= 4 && x.size(3) >= 4;
  if (!ours) return torch::max_pool2d(torch::relu(torch::nn::Conv2d(layer)->forward(x)), 2);
  const Tensor images = x.contiguous(at::MemoryFormat::ChannelsLast);
  if (at::GradMode::is_enabled()) return ConvolveAndPool::apply(images, weight, layer->bias);
  return pooled_forward(images, weight, layer->bias, false).first;
}

}  // namespace fewlabel::kernels
