// 3 × 3 convolution with stride 1 and padding 1 by Winograd's minimal filtering (Lavin and Gray 2016,
// arXiv:1509.09308), F(4×4, 3×3): a quarter of the multiplications. fp32, channels-last, channels in multiples of 16.
// The points 0, ±√½, ±√2, ∞ keep the rounding error within twice that of plain summation. No libtorch, no allocation,
// no threads: the caller cuts the work into tiles. Every sum has one order, so that the bits depend on nothing else.
//
// A tile is 4 × 4 places of the output; tiles are numbered row by row, image after image. A transformed tile has 36
// planes. Matrices are kept in strips of 16 columns: [plane][strip][row][16], planes kGap floats further apart than
// need be, so that the 36 lines written together do not fall into one set of the cache.
#pragma once
#include <cstdint>

namespace fewlabel::winograd {

inline constexpr int64_t kPlanes = 36, kStrip = 16, kGap = 16, kTile = 4;

struct Map {
  int64_t images, height, width;
  int64_t across() const { return (width + kTile - 1) / kTile; }
  int64_t down() const { return (height + kTile - 1) / kTile; }
  int64_t tiles() const { return images * down() * across(); }
};
/// A run of tiles of a map.
struct Tiles {
  Map map;
  int64_t first, count;
};
/// Where transformed tiles go: row `first` onwards of a matrix with so many rows and channels.
struct Slice {
  int64_t channels, first, rows;
};
/// Floats from one plane to the next of a matrix with so many rows and columns.
constexpr int64_t plane_size(int64_t rows, int64_t columns) { return rows * columns + kGap; }

/// 3 × 3 filters: tap k of (row, column) is at[k · tap + row · row_step + column · column_step].
struct Filters {
  const float* at;
  int64_t rows, columns, tap, row_step, column_step;
};
/// The strips [first, last) of every plane of u ← G w Gᵀ: rows × columns.
void transform_filters(const Filters& w, int64_t first, int64_t last, float* u);
/// v ← Bᵀ d B of the 6 × 6 patch around each tile, zero outside of the image; rows of v are tiles.
void transform_input(const float* x, const Tiles& tiles, const Slice& slice, float* v);
/// m ← v u on every plane: rows × in, in × out, rows × out.
struct Product {
  int64_t rows, in, out;
};
void multiply(const float* v, const float* u, const Product& size, float* m);
/// y ← Aᵀ m A + add; `add` has the form of y, or is null.
void transform_output(const float* m, const Tiles& tiles, int64_t channels, const float* add, float* y);

/// The gradient of the weights is F(3×3, 4×4) of x and dy: w ← the 4 × 4 places of dy, transformed.
void transform_gradient(const float* dy, const Tiles& tiles, const Slice& slice, float* w);
/// sum[plane] += wᵀ v, out × in.
void accumulate(const float* w, const float* v, const Product& size, int64_t plane, float* sum);
/// The outputs [first, last) of dw, out × 3 × 3 × in, from the sums.
struct Outputs {
  int64_t in, out, first, last;
};
void finish_gradient(const float* sum, const Outputs& size, float* dw);

}  // namespace fewlabel::winograd
