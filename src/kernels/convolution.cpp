#include "kernels/convolution.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "kernels/strided_convolution.h"
#include "kernels/winograd_bf16.h"

namespace fewlabel::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using winograd::kPlanes, winograd::kStrip, winograd::plane_size;

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;
// Bytes of the transformed tiles that one thread, or all in the gradient of the weights, work on at a time.
constexpr int64_t kBlock = 1 << 19, kSuperBlock = 1 << 23;

std::atomic<bool> enabled = true;

template <typename T>
T* data(const Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}
winograd::Map map_of(const Tensor& x) { return {x.size(0), x.size(2), x.size(3)}; }

/// Winograd's algorithm with everything in fp32.
struct Full {
  using Number = float;
  static constexpr at::ScalarType kType = at::kFloat;
  static constexpr int64_t kPairs = 1;
  static constexpr auto plane = winograd::plane_size;
  static constexpr auto filters = winograd::transform_filters;
  static constexpr auto input = winograd::transform_input;
  static constexpr auto multiply = winograd::multiply;
  static constexpr auto output = winograd::transform_output;
  static constexpr auto input_of_gradient = winograd::transform_input;
  static constexpr auto gradient = winograd::transform_gradient;
  static constexpr auto accumulate = winograd::accumulate;
};
/// With maps and transformed tiles in bf16.
struct Reduced {
  using Number = uint16_t;
  static constexpr at::ScalarType kType = at::kBFloat16;
  static constexpr int64_t kPairs = 2;  // tiles that are transformed together in the gradient of the weights
  static constexpr auto plane = winograd::bf16::plane_size;
  static constexpr auto filters = winograd::bf16::transform_filters;
  static constexpr auto input = winograd::bf16::transform_input;
  static constexpr auto multiply = winograd::bf16::multiply;
  static constexpr auto output = winograd::bf16::transform_output;
  static constexpr auto input_of_gradient = winograd::bf16::transform_input_in_pairs;
  static constexpr auto gradient = winograd::bf16::transform_gradient;
  static constexpr auto accumulate = winograd::bf16::accumulate;
};

/// Room for the 36 planes of a matrix with so many rows and columns.
template <typename Kind>
Tensor planes(int64_t rows, int64_t columns) {
  return at::empty({kPlanes * Kind::plane(rows, columns)}, Kind::kType);
}

/// Tiles a block, so that blocks are alike and each thread gets as many.
int64_t block_of(int64_t tiles, int64_t most, int64_t share) {
  const int64_t blocks = (tiles + most - 1) / most, even = (blocks + share - 1) / share * share;
  return std::max<int64_t>((tiles + even - 1) / even, 1);
}

/// x * w + add, or with `turned` the gradient of x: dy * w turned by 180°, inputs and outputs exchanged.
template <typename Kind>
Tensor filtered(const Tensor& x, const Tensor& w, bool turned, const Tensor& add) {
  using Number = typename Kind::Number;
  const int64_t in = x.size(1), out = turned ? w.size(1) : w.size(0), threads = at::get_num_threads();
  const winograd::Map map = map_of(x);
  const int64_t tiles = map.tiles(), bytes = kPlanes * (in * static_cast<int64_t>(sizeof(Number)) + out * 4);
  // Many channels have many filters, which every block reads anew: its rows must pay for that.
  const int64_t block = block_of(tiles, std::max<int64_t>(kBlock / bytes, in * out > 1 << 14 ? 32 : 8), threads);
  const Tensor y = at::empty({map.images, out, map.height, map.width}, x.options().memory_format(kLayout));
  const Tensor u = planes<Kind>(in, out);
  // w is out × 3 × 3 × in in memory.
  const auto* weights = data<float>(w);
  const winograd::Filters filters = turned ? winograd::Filters{weights + 8 * out, in, out, -out, 9 * out, 1}
                                           : winograd::Filters{weights, in, out, in, 1, 9 * in};
  at::parallel_for(0, out / kStrip, 1,
                   [&](int64_t begin, int64_t end) { Kind::filters(filters, begin, end, data<Number>(u)); });
  at::parallel_for(0, (tiles + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
    const Tensor v = planes<Kind>(block, in), m = planes<Full>(block, out);
    for (int64_t b = begin; b < end; ++b) {
      const winograd::Tiles part{map, b * block, std::min(block, tiles - b * block)};
      Kind::input(data<Number>(x), part, {in, 0, part.count}, data<Number>(v));
      Kind::multiply(data<Number>(v), data<Number>(u), {part.count, in, out}, data<float>(m));
      Kind::output(data<float>(m), part, out, add.defined() ? data<Number>(add) : nullptr, data<Number>(y));
    }
  });
  return y;
}

template <typename Kind>
Tensor gradient_of_weights(const Tensor& x, const Tensor& dy) {
  using Number = typename Kind::Number;
  const int64_t in = x.size(1), out = dy.size(1);
  const winograd::Map map = map_of(x);
  const int64_t tiles = map.tiles(),
                wanted = kSuperBlock / (kPlanes * (in + out) * static_cast<int64_t>(sizeof(Number)));
  const int64_t block = std::min((tiles + 1) / 2 * 2, std::max<int64_t>(wanted / 2 * 2, 128));
  const Tensor dw = at::empty({out, in, 3, 3}, at::dtype(at::kFloat).memory_format(kLayout));
  const Tensor v = planes<Kind>(block, in), w = planes<Kind>(block, out), sum = planes<Full>(out, in).zero_();
  for (int64_t first = 0; first < tiles; first += block) {
    const int64_t count = std::min(block, tiles - first), groups = (count + Kind::kPairs - 1) / Kind::kPairs;
    const int64_t rows = groups * Kind::kPairs;
    at::parallel_for(0, groups, 16 / Kind::kPairs, [&](int64_t begin, int64_t end) {
      const int64_t from = begin * Kind::kPairs, to = std::min(end * Kind::kPairs, count);
      const winograd::Tiles part{map, first + from, to - from};
      Kind::input_of_gradient(data<Number>(x), part, {in, from, rows}, data<Number>(v));
      Kind::gradient(data<Number>(dy), part, {out, from, rows}, data<Number>(w));
    });
    at::parallel_for(0, kPlanes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane)
        Kind::accumulate(data<Number>(w), data<Number>(v), {rows, in, out}, plane, data<float>(sum));
    });
  }
  at::parallel_for(0, out, 16, [&](int64_t begin, int64_t end) {
    winograd::finish_gradient(data<float>(sum), {in, out, begin, end}, data<float>(dw));
  });
  return dw;
}

/// x and add of the Kind's type, w in fp32 as its gradient.
template <typename Kind>
struct Winograd : torch::autograd::Function<Winograd<Kind>> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& w, const c10::optional<Tensor>& add) {
    const Tensor images = x.contiguous(kLayout), filters = w.contiguous(kLayout);
    ctx->save_for_backward({images, filters});
    ctx->saved_data["add"] = add.has_value();
    return filtered<Kind>(images, filters, false, add ? add->contiguous(kLayout) : Tensor());
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &w = saved[1];
    const bool by_x = ctx->needs_input_grad(0), by_w = ctx->needs_input_grad(1);
    const bool add = ctx->saved_data["add"].toBool();
    if (at::GradMode::is_enabled()) {  // somebody differentiates the gradient: libtorch knows how
      const auto [dx, dw, db] = at::convolution_backward(gradients[0], x, w.to(x.scalar_type()), c10::nullopt, {1, 1},
                                                         {1, 1}, {1, 1}, false, {0, 0}, 1, {by_x, by_w, false});
      return {dx, dw.defined() ? dw.to(w.scalar_type()) : dw, add ? gradients[0] : Tensor()};
    }
    const Tensor dy = gradients[0].contiguous(kLayout);
    return {by_x ? filtered<Kind>(dy, w, true, {}) : Tensor(), by_w ? gradient_of_weights<Kind>(x, dy) : Tensor(),
            add ? dy : Tensor()};
  }
};

bool autocast() { return !c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU); }

bool suits(const Tensor& x, const torch::nn::Conv2d& layer, int64_t stride) {
  const Tensor& w = layer->weight;
  return full_float(w) && !layer->bias.defined() && is_plain_3x3(layer, 1, stride) && w.size(0) % kStrip == 0 &&
         w.size(1) % kStrip == 0 && x.numel() > 0;
}

}  // namespace

void enable(bool ours) { enabled = ours; }

bool full_float(const Tensor& x) { return enabled && x.device().is_cpu() && x.scalar_type() == at::kFloat; }

bool plain_float(const Tensor& x) { return full_float(x) && !autocast(); }

bool reduced_float(const Tensor& x) { return enabled && x.device().is_cpu() && x.scalar_type() == at::kBFloat16; }

bool is_plain_3x3(const torch::nn::Conv2d& layer, int64_t padding, int64_t stride) {
  const auto& options = layer->options;
  const auto all = [](const torch::ExpandingArray<2>& values, int64_t wanted) {
    return std::all_of(values->begin(), values->end(), [wanted](int64_t value) { return value == wanted; });
  };
  const auto* around = get_if<torch::ExpandingArray<2>>(&options.padding());  // std's or c10's, by libtorch's version
  return all(options.kernel_size(), 3) && all(options.stride(), stride) && all(options.dilation(), 1) && around &&
         all(*around, padding) && options.groups() == 1;
}

Tensor convolve(const Tensor& x, const torch::nn::Conv2d& layer, const Tensor& add) {
  const bool reduced = autocast() && reduced_float(x) && winograd::bf16::available();
  if (suits(x, layer, 1)) {
    const auto added = add.defined() ? c10::make_optional(add) : c10::nullopt;
    if (plain_float(x) && (!add.defined() || plain_float(add))) return Winograd<Full>::apply(x, layer->weight, added);
    if (reduced && (!add.defined() || reduced_float(add))) return Winograd<Reduced>::apply(x, layer->weight, added);
  }
  const bool strided = reduced && suits(x, layer, 2) && suits_strided(x);
  const Tensor y = strided ? convolve_strided(x, layer->weight) : torch::nn::Conv2d(layer)->forward(x);
  return add.defined() ? y + add : y;
}

}  // namespace fewlabel::kernels
