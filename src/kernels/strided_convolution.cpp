#include "kernels/strided_convolution.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

namespace fewlabel::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;
constexpr int64_t kMostBytes = 1 << 24;  // of patches

int64_t halved(int64_t side) { return (side + 1) / 2; }

/// Row (n, i, j) holds the 3 × 3 × C numbers of x that y[n, :, i, j] was made of; zero outside of the image.
Tensor patches_of(const Tensor& x) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const int64_t rows = halved(height), columns = halved(width), line = 3 * channels;
  Tensor patches = at::empty({x.size(0) * rows * columns, 3 * line}, x.options());
  const auto* in = static_cast<const uint16_t*>(x.data_ptr());
  auto* out = static_cast<uint16_t*>(patches.data_ptr());
  at::parallel_for(0, x.size(0) * rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const uint16_t* image = in + row / rows * height * width * channels;
      for (int64_t j = 0; j < columns; ++j) {
        uint16_t* patch = out + (row * columns + j) * 3 * line;
        const int64_t left = 2 * j - 1, from = std::max<int64_t>(left, 0), to = std::min(left + 3, width);
        for (int64_t k = 0; k < 3; ++k, patch += line) {
          const int64_t y = 2 * (row % rows) + k - 1;
          const bool inside = y >= 0 && y < height;
          if (!inside || to - from < 3) std::fill_n(patch, line, uint16_t{0});
          if (inside)
            std::memcpy(patch + (from - left) * channels, image + (y * width + from) * channels,
                        static_cast<std::size_t>((to - from) * channels) * sizeof(uint16_t));
        }
      }
    }
  });
  return patches;
}

Tensor gradient_of_weights(const Tensor& x, const Tensor& dy) {
  const int64_t in = x.size(1), out = dy.size(1);
  const Tensor rows = dy.permute({0, 2, 3, 1}).reshape({-1, out});
  return at::mm(rows.t(), patches_of(x)).view({out, 3, 3, in}).permute({0, 3, 1, 2}).to(at::kFloat);
}

struct Strided : torch::autograd::Function<Strided> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& w) {
    const Tensor images = x.contiguous(kLayout);
    ctx->save_for_backward({images, w});
    return at::conv2d(images, w.to(x.scalar_type()), {}, 2, 1);
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &w = saved[1], dy = gradients[0].contiguous(kLayout);
    const bool by_x = ctx->needs_input_grad(0), by_w = ctx->needs_input_grad(1);
    const bool twice = at::GradMode::is_enabled();  // somebody differentiates the gradient: libtorch knows how
    Tensor dx, dw;
    if (by_x || (by_w && twice))
      std::tie(dx, dw, std::ignore) =
          at::convolution_backward(dy, x, w.to(x.scalar_type()), c10::nullopt, {2, 2}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                                   {by_x, by_w && twice, false});
    if (by_w) dw = twice ? dw.to(at::kFloat) : gradient_of_weights(x, dy);
    return {dx, dw};
  }
};

}  // namespace

bool suits_strided(const Tensor& x) {
  return x.numel() > 0 &&
         x.size(0) * halved(x.size(2)) * halved(x.size(3)) * 9 * x.size(1) * x.element_size() <= kMostBytes;
}

Tensor convolve_strided(const Tensor& x, const Tensor& w) { return Strided::apply(x, w); }

}  // namespace fewlabel::kernels
