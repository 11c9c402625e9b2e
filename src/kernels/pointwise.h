// 1 × 1 convolution of channels-last maps in fp32 with what follows it: a product of matrices, whose rows are the
// places of the map. Or any convolution, whose rows are patches: several pieces of memory each. No libtorch, no
// allocation, no threads: the caller cuts the work into runs of rows.
#pragma once
#include <cstdint>

namespace fewlabel::pointwise {

inline constexpr int64_t kStrip = 16;  // outputs that are computed together

struct Shape {
  int64_t rows, in, out;
  int64_t strips() const { return (out + kStrip - 1) / kStrip; }
  int64_t packed() const { return strips() * kStrip * in; }
};

/// Lays filters, out × in, out as multiply wants them, output o times scale[o]; strips × in × kStrip, the outputs that
/// are missing from the last strip zero. The strips [first, last).
void pack(const float* filters, const float* scale, const Shape& shape, int64_t first, int64_t last, float* packed);

/// The rows of x: each begins `step` after the one before, and is made of pieces that begin `next` after each other.
struct Rows {
  const float* at;
  int64_t step, piece, next;
};
/// y ← min(max(x filtersᵀ + shift + residual, low), high); NaN stays NaN. y and residual: rows × out; the residual may
/// be null. shift: strips × kStrip.
struct Product {
  Rows x;
  const float *packed, *shift, *residual;
  float low, high;
  float* y;
};
void multiply(const Product& at, const Shape& shape);

}  // namespace fewlabel::pointwise
