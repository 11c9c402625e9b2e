#include "kernels/convolution.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "kernels/winograd.h"

namespace fewlabel::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using winograd::kPlanes, winograd::kStrip, winograd::plane_size;

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;
// Floats of the transformed tiles that one thread, or all in the gradient of the weights, work on at a time.
constexpr int64_t kBlock = 1 << 17, kSuperBlock = 1 << 21;

std::atomic<bool> enabled = true;

float* data(const Tensor& tensor) { return tensor.data_ptr<float>(); }
Tensor scratch(int64_t floats) { return at::empty({floats}, at::kFloat); }
winograd::Map map_of(const Tensor& x) { return {x.size(0), x.size(2), x.size(3)}; }

/// Tiles a block, so that blocks are alike and each thread gets as many.
int64_t block_of(int64_t tiles, int64_t most, int64_t share) {
  const int64_t blocks = (tiles + most - 1) / most, even = (blocks + share - 1) / share * share;
  return std::max<int64_t>((tiles + even - 1) / even, 1);
}

/// x * w + add, or with `turned` the gradient of x: dy * w turned by 180°, inputs and outputs exchanged.
Tensor filtered(const Tensor& x, const Tensor& w, bool turned, const Tensor& add) {
  const int64_t in = x.size(1), out = turned ? w.size(1) : w.size(0), threads = at::get_num_threads();
  const winograd::Map map = map_of(x);
  const int64_t tiles = map.tiles();
  const int64_t block = block_of(tiles, std::max<int64_t>(kBlock / (kPlanes * (in + out)), 8), threads);
  const Tensor y = at::empty({map.images, out, map.height, map.width}, x.options().memory_format(kLayout));
  const Tensor u = scratch(kPlanes * plane_size(in, out));
  // w is out × 3 × 3 × in in memory.
  const winograd::Filters filters = turned ? winograd::Filters{data(w) + 8 * out, in, out, -out, 9 * out, 1}
                                           : winograd::Filters{data(w), in, out, in, 1, 9 * in};
  at::parallel_for(0, out / kStrip, 1,
                   [&](int64_t begin, int64_t end) { winograd::transform_filters(filters, begin, end, data(u)); });
  at::parallel_for(0, (tiles + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
    const Tensor v = scratch(kPlanes * plane_size(block, in)), m = scratch(kPlanes * plane_size(block, out));
    for (int64_t b = begin; b < end; ++b) {
      const winograd::Tiles part{map, b * block, std::min(block, tiles - b * block)};
      winograd::transform_input(data(x), part, {in, 0, part.count}, data(v));
      winograd::multiply(data(v), data(u), {part.count, in, out}, data(m));
      winograd::transform_output(data(m), part, out, add.defined() ? data(add) : nullptr, data(y));
    }
  });
  return y;
}

Tensor gradient_of_weights(const Tensor& x, const Tensor& dy) {
  const int64_t in = x.size(1), out = dy.size(1);
  const winograd::Map map = map_of(x);
  const int64_t tiles = map.tiles(), wanted = kSuperBlock / (kPlanes * (in + out));
  const int64_t block = std::min(tiles, std::max<int64_t>(wanted, 128));
  const Tensor dw = at::empty({out, in, 3, 3}, x.options().memory_format(kLayout));
  const Tensor v = scratch(kPlanes * plane_size(block, in)), w = scratch(kPlanes * plane_size(block, out));
  const Tensor sum = scratch(kPlanes * plane_size(out, in)).zero_();
  for (int64_t first = 0; first < tiles; first += block) {
    const int64_t count = std::min(block, tiles - first);
    at::parallel_for(0, count, 16, [&](int64_t begin, int64_t end) {
      const winograd::Tiles part{map, first + begin, end - begin};
      winograd::transform_input(data(x), part, {in, begin, count}, data(v));
      winograd::transform_gradient(data(dy), part, {out, begin, count}, data(w));
    });
    at::parallel_for(0, kPlanes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane)
        winograd::accumulate(data(w), data(v), {count, in, out}, plane, data(sum));
    });
  }
  at::parallel_for(0, out, 16, [&](int64_t begin, int64_t end) {
    winograd::finish_gradient(data(sum), {in, out, begin, end}, data(dw));
  });
  return dw;
}

struct Winograd : torch::autograd::Function<Winograd> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& w, const c10::optional<Tensor>& add) {
    const Tensor images = x.contiguous(kLayout), filters = w.contiguous(kLayout);
    ctx->save_for_backward({images, filters});
    ctx->saved_data["add"] = add.has_value();
    return filtered(images, filters, false, add ? add->contiguous(kLayout) : Tensor());
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &w = saved[1];
    const bool by_x = ctx->needs_input_grad(0), by_w = ctx->needs_input_grad(1);
    const bool add = ctx->saved_data["add"].toBool();
    if (at::GradMode::is_enabled()) {  // somebody differentiates the gradient: libtorch knows how
      const auto [dx, dw, db] = at::convolution_backward(gradients[0], x, w, c10::nullopt, {1, 1}, {1, 1}, {1, 1},
                                                         false, {0, 0}, 1, {by_x, by_w, false});
      return {dx, dw, add ? gradients[0] : Tensor()};
    }
    const Tensor dy = gradients[0].contiguous(kLayout);
    return {by_x ? filtered(dy, w, true, {}) : Tensor(), by_w ? gradient_of_weights(x, dy) : Tensor(),
            add ? dy : Tensor()};
  }
};

bool suits_winograd(const Tensor& x, const torch::nn::Conv2d& layer) {
  const Tensor& w = layer->weight;
  return plain_float(x) && plain_float(w) && !layer->bias.defined() && is_plain_3x3(layer, 1) &&
         w.size(0) % kStrip == 0 && w.size(1) % kStrip == 0 && x.numel() > 0;
}

}  // namespace

void enable(bool ours) { enabled = ours; }

bool full_float(const Tensor& x) { return enabled && x.device().is_cpu() && x.scalar_type() == at::kFloat; }

bool plain_float(const Tensor& x) {
  return full_float(x) && c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU);
}

bool reduced_float(const Tensor& x) { return enabled && x.device().is_cpu() && x.scalar_type() == at::kBFloat16; }

bool is_plain_3x3(const torch::nn::Conv2d& layer, int64_t padding) {
  const auto& options = layer->options;
  const auto all = [](const torch::ExpandingArray<2>& values, int64_t wanted) {
    return std::all_of(values->begin(), values->end(), [wanted](int64_t value) { return value == wanted; });
  };
  const auto* around = get_if<torch::ExpandingArray<2>>(&options.padding());  // std's or c10's, by libtorch's version
  return all(options.kernel_size(), 3) && all(options.stride(), 1) && all(options.dilation(), 1) && around &&
         all(*around, padding) && options.groups() == 1;
}

Tensor convolve(const Tensor& x, const torch::nn::Conv2d& layer, const Tensor& add) {
  if (suits_winograd(x, layer) && (!add.defined() || plain_float(add)))
    return Winograd::apply(x, layer->weight, add.defined() ? c10::make_optional(add) : c10::nullopt);
  const Tensor y = torch::nn::Conv2d(layer)->forward(x);
  return add.defined() ? y + add : y;
}

}  // namespace fewlabel::kernels
