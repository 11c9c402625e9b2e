// The loops of batch norm with what follows it in a net: y = f(scale · x + shift + residual), f the identity (leak 1),
// ReLU (leak 0) or leaky ReLU. Rows of channels: rows × channels, channels in multiples of 16, in fp32 or bf16 memory;
// all sums are in fp32. No libtorch, no allocation, no threads: the caller cuts the work into runs of rows.
#pragma once
#include <cstdint>

namespace fewlabel::normalize {

inline constexpr int64_t kStrip = 16;

/// What x, y, their gradients and the residual are kept as, all alike. bf16 is rounded to nearest, ties to even.
enum class Storage { fp32, bf16 };
struct Rows {
  int64_t count, channels;
  Storage storage;
};
/// What turns x into y, channel by channel.
struct Affine {
  const float *scale, *shift;
  float leak;
};

/// sum ← Σ (x - origin), square ← Σ (x - origin)², over the rows. The origin is a row of x.
void moments(const void* x, const Rows& rows, const void* origin, float* sum, float* square);
/// y ← f(scale · x + shift + residual); `residual` may be null.
void apply(const void* x, const Rows& rows, const Affine& affine, const void* residual, void* y);

/// What reaches the inside of f: g = dy f'. The sign inside is that of y where there is one, else that of
/// scale · x + shift.
struct Backward {
  const void *dy, *x, *y;  // y: null, unless there was a residual
  void* g;                 // where to keep g, the gradient of the residual; may be null
};
/// sum ← Σ g, product ← Σ g (x - mean).
void backward_sums(const Backward& from, const Rows& rows, const Affine& affine, const float* mean, float* sum,
                   float* product);
/// dx ← scale · g + by_x · x + constant. With from.g set, g is read from there.
struct Gradient {
  const float *by_x, *constant;
};
void backward_apply(const Backward& from, const Rows& rows, const Affine& affine, const Gradient& gradient, void* dx);

}  // namespace fewlabel::normalize
