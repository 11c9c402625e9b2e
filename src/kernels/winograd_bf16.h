// Winograd's algorithm (kernels/winograd.h) with x, y and the transformed tiles in bf16 and sums in fp32, for
// processors that multiply pairs of bf16 (AVX512-BF16). Numbers are the upper halves of fp32, rounded to the nearest.
//
// Rounding the transformed tiles costs accuracy: y is off by about 1 % (root of the mean square, relative), where plain
// summation with bf16 weights is off by 0.2 %.
//
// Factors of a product are kept in pairs of terms: [plane][strip][row / 2][16][2] where the sum goes over rows, plain
// [plane][strip][row][16] where it goes over columns.
#pragma once
#include "kernels/winograd.h"

namespace fewlabel::winograd::bf16 {

/// Whether this processor can. The other functions must not be called where it cannot.
bool available();

/// Numbers from one plane to the next of a matrix with so many rows and columns.
constexpr int64_t plane_size(int64_t rows, int64_t columns) { return rows * columns + 2 * kGap; }

/// The strips [first, last) of every plane of u ← G w Gᵀ, in pairs: rows × columns.
void transform_filters(const Filters& w, int64_t first, int64_t last, uint16_t* u);
/// v ← Bᵀ d B, plain.
void transform_input(const uint16_t* x, const Tiles& tiles, const Slice& slice, uint16_t* v);
/// m ← v u on every plane; v plain, u in pairs.
void multiply(const uint16_t* v, const uint16_t* u, const Product& size, float* m);
/// y ← Aᵀ m A + add; `add` has the form of y, or is null.
void transform_output(const float* m, const Tiles& tiles, int64_t channels, const uint16_t* add, uint16_t* y);

/// For the gradient of the weights, both in pairs of tiles: slice.first and slice.rows are even, and a missing last
/// tile is zero.
void transform_input_in_pairs(const uint16_t* x, const Tiles& tiles, const Slice& slice, uint16_t* v);
void transform_gradient(const uint16_t* dy, const Tiles& tiles, const Slice& slice, uint16_t* w);
/// sum[plane] += wᵀ v, out × in, as winograd::finish_gradient takes them; size.rows is even.
void accumulate(const uint16_t* w, const uint16_t* v, const Product& size, int64_t plane, float* sum);

}  // namespace fewlabel::winograd::bf16
