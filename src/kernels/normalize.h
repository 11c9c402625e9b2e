// The loops of batch norm with what follows it in a net: y = f(scale · x + shift + residual), f the identity (leak 1),
// ReLU (leak 0) or leaky ReLU. fp32 rows of channels: rows × channels, channels in multiples of 16. No libtorch, no
// allocation, no threads: the caller cuts the work into runs of rows.
#pragma once
#include <cstdint>

namespace fewlabel::normalize {

inline constexpr int64_t kStrip = 16;

struct Rows {
  int64_t count, channels;
};
/// What turns x into y, channel by channel.
struct Affine {
  const float *scale, *shift;
  float leak;
};

/// sum ← Σ (x - origin), square ← Σ (x - origin)², over the rows.
void moments(const float* x, const Rows& rows, const float* origin, float* sum, float* square);
/// y ← f(scale · x + shift + residual); `residual` may be null.
void apply(const float* x, const Rows& rows, const Affine& affine, const float* residual, float* y);

/// What reaches the inside of f: g = dy f'. The sign inside is that of y where there is one, else that of
/// scale · x + shift.
struct Backward {
  const float *dy, *x, *y;  // y: null, unless there was a residual
  float* g;                 // where to keep g, the gradient of the residual; may be null
};
/// sum ← Σ g, product ← Σ g (x - mean).
void backward_sums(const Backward& from, const Rows& rows, const Affine& affine, const float* mean, float* sum,
                   float* product);
/// dx ← scale · g + by_x · x + constant. With from.g set, g is read from there.
struct Gradient {
  const float *by_x, *constant;
};
void backward_apply(const Backward& from, const Rows& rows, const Affine& affine, const Gradient& gradient, float* dx);

}  // namespace fewlabel::normalize
