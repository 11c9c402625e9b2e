#include "kernels/winograd.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace fewlabel::winograd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kStrip>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D())), kVectors = kStrip / kLanes;
// Sums kept in registers: rows × one strip. AVX2 has 16 registers, AVX-512 32.
constexpr int64_t kRows = kLanes >= 16 ? 14 : 6;

// a = √½, b = √2 are the points; with a² = ½, b² = 2, a²b² = 1, a² + b² = 2.5.
constexpr float kA = 0.70710678118654752F, kB = 1.41421356237309505F;

/// Bᵀ of six values.
HWY_INLINE void input_transform(const V* x, V* y) {
  const V minus = hn::Set(d, -2.5F), two = hn::Set(d, -2.F), half = hn::Set(d, -0.5F);
  const V e1 = hn::MulAdd(two, x[2], x[4]), o1 = hn::Mul(hn::Set(d, kA), hn::MulAdd(two, x[1], x[3]));
  const V e2 = hn::MulAdd(half, x[2], x[4]), o2 = hn::Mul(hn::Set(d, kB), hn::MulAdd(half, x[1], x[3]));
  y[0] = hn::Add(hn::MulAdd(minus, x[2], x[0]), x[4]);
  y[1] = hn::Add(e1, o1);
  y[2] = hn::Sub(e1, o1);
  y[3] = hn::Add(e2, o2);
  y[4] = hn::Sub(e2, o2);
  y[5] = hn::Add(hn::MulAdd(minus, x[3], x[1]), x[5]);
}

/// Aᵀ of six values: four of an output tile.
HWY_INLINE void output_transform(const V* x, V* y) {
  const V sa = hn::Add(x[1], x[2]), da = hn::Mul(hn::Set(d, kA), hn::Sub(x[1], x[2]));
  const V sb = hn::Add(x[3], x[4]), db = hn::Mul(hn::Set(d, kB), hn::Sub(x[3], x[4]));
  const V half = hn::Set(d, 0.5F), two = hn::Set(d, 2.F);
  y[0] = hn::Add(x[0], hn::Add(sa, sb));
  y[1] = hn::Add(da, db);
  y[2] = hn::MulAdd(half, sa, hn::Mul(two, sb));
  y[3] = hn::Add(hn::MulAdd(half, da, hn::Mul(two, db)), x[5]);
}

/// Aᵀ of F(3, 4), and the factors 1 / N that transform_gradient leaves out.
HWY_INLINE void weight_transform(const V* x, V* y) {
  const V na = hn::Set(d, -2.F / 3.F), nb = hn::Set(d, 1.F / 6.F);
  const V sa = hn::Mul(na, hn::Add(x[1], x[2])), da = hn::Mul(na, hn::Sub(x[1], x[2]));
  const V sb = hn::Mul(nb, hn::Add(x[3], x[4])), db = hn::Mul(nb, hn::Sub(x[3], x[4]));
  y[0] = hn::Add(x[0], hn::Add(sa, sb));
  y[1] = hn::MulAdd(hn::Set(d, kA), da, hn::Mul(hn::Set(d, kB), db));
  y[2] = hn::Add(hn::MulAdd(hn::Set(d, 0.5F), sa, hn::Mul(hn::Set(d, 2.F), sb)), x[5]);
}

/// G of the three values of a filter.
HWY_INLINE void filter_transform(const V* x, V* y) {
  const V na = hn::Set(d, -2.F / 3.F), nb = hn::Set(d, 1.F / 6.F);
  const V ea = hn::Mul(na, hn::MulAdd(hn::Set(d, 0.5F), x[2], x[0])), oa = hn::Mul(hn::Set(d, -2.F / 3.F * kA), x[1]);
  const V eb = hn::Mul(nb, hn::MulAdd(hn::Set(d, 2.F), x[2], x[0])), ob = hn::Mul(hn::Set(d, 1.F / 6.F * kB), x[1]);
  y[0] = x[0];
  y[1] = hn::Add(ea, oa);
  y[2] = hn::Sub(ea, oa);
  y[3] = hn::Add(eb, ob);
  y[4] = hn::Sub(eb, ob);
  y[5] = x[2];
}

/// G of F(3, 4) without the factors 1 / N, of the four values of a gradient tile.
HWY_INLINE void gradient_transform(const V* x, V* y) {
  const V half = hn::Set(d, 0.5F), two = hn::Set(d, 2.F);
  const V ea = hn::MulAdd(half, x[2], x[0]), oa = hn::Mul(hn::Set(d, kA), hn::MulAdd(half, x[3], x[1]));
  const V eb = hn::MulAdd(two, x[2], x[0]), ob = hn::Mul(hn::Set(d, kB), hn::MulAdd(two, x[3], x[1]));
  y[0] = x[0];
  y[1] = hn::Add(ea, oa);
  y[2] = hn::Sub(ea, oa);
  y[3] = hn::Add(eb, ob);
  y[4] = hn::Sub(eb, ob);
  y[5] = x[3];
}

void transform_filters(const Filters& w, int64_t first, int64_t last, float* u) {
  const int64_t plane = plane_size(w.rows, w.columns);
  for (int64_t strip = first; strip < last; ++strip) {
    for (int64_t row = 0; row < w.rows; ++row) {
      HWY_ALIGN float taps[9][kStrip];
      const float* from = w.at + row * w.row_step + strip * kStrip * w.column_step;
      for (int64_t c = 0; c < kStrip; ++c)
        for (int64_t k = 0; k < 9; ++k) taps[k][c] = from[k * w.tap + c * w.column_step];
      float* to = u + (strip * w.rows + row) * kStrip;
      for (int64_t v = 0; v < kStrip; v += kLanes) {
        V middle[6][3];
        for (int64_t j = 0; j < 3; ++j) {
          V in[3], out[6];
          for (int64_t i = 0; i < 3; ++i) in[i] = hn::Load(d, taps[3 * i + j] + v);
          filter_transform(in, out);
          for (int64_t i = 0; i < 6; ++i) middle[i][j] = out[i];
        }
        for (int64_t i = 0; i < 6; ++i) {
          V out[6];
          filter_transform(middle[i], out);
          for (int64_t j = 0; j < 6; ++j) hn::StoreU(out[j], d, to + (6 * i + j) * plane + v);
        }
      }
    }
  }
}

/// Where a tile's first output is.
struct Place {
  int64_t image, y, x;
};
Place place_of(const Map& map, int64_t tile) {
  const int64_t across = map.across(), down = map.down();
  return {tile / (across * down), tile / across % down * kTile, tile % across * kTile};
}

/// Transforms the patch of kSide × kSide places at each tile in both directions; places outside of the image are zero.
template <int64_t kSide, void (*transform)(const V*, V*)>
HWY_INLINE void transform_tiles(const float* from, const Tiles& tiles, const Slice& slice, float* to) {
  const int64_t channels = slice.channels;
  constexpr int64_t kBorder = kSide > kTile ? 1 : 0;
  HWY_ALIGN static constexpr float kZeros[kStrip] = {};
  const Map& map = tiles.map;
  const int64_t plane = plane_size(slice.rows, channels);
  for (int64_t t = 0; t < tiles.count; ++t) {
    const Place place = place_of(map, tiles.first + t);
    const float* at[kSide][kSide];
    bool inside[kSide][kSide];
    for (int64_t i = 0; i < kSide; ++i) {
      for (int64_t j = 0; j < kSide; ++j) {
        const int64_t y = place.y - kBorder + i, x = place.x - kBorder + j;
        inside[i][j] = y >= 0 && y < map.height && x >= 0 && x < map.width;
        at[i][j] = inside[i][j] ? from + ((place.image * map.height + y) * map.width + x) * channels : kZeros;
      }
    }
    for (int64_t c = 0; c < channels; c += kStrip) {
      V middle[6][kSide][kVectors];
      for (int64_t j = 0; j < kSide; ++j) {
        for (int64_t v = 0; v < kVectors; ++v) {
          V in[kSide], column[6];
          for (int64_t i = 0; i < kSide; ++i) in[i] = hn::LoadU(d, at[i][j] + (inside[i][j] ? c : 0) + v * kLanes);
          transform(in, column);
          for (int64_t i = 0; i < 6; ++i) middle[i][j][v] = column[i];
        }
      }
      float* row = to + c * slice.rows + (slice.first + t) * kStrip;
      for (int64_t i = 0; i < 6; ++i) {
        for (int64_t v = 0; v < kVectors; ++v) {
          V in[kSide], out[6];
          for (int64_t j = 0; j < kSide; ++j) in[j] = middle[i][j][v];
          transform(in, out);
          for (int64_t j = 0; j < 6; ++j) hn::StoreU(out[j], d, row + (6 * i + j) * plane + v * kLanes);
        }
      }
    }
  }
}

void transform_input(const float* x, const Tiles& tiles, const Slice& slice, float* v) {
  transform_tiles<6, input_transform>(x, tiles, slice, v);
}

void transform_gradient(const float* dy, const Tiles& tiles, const Slice& slice, float* w) {
  transform_tiles<4, gradient_transform>(dy, tiles, slice, w);
}

void transform_output(const float* m, const Tiles& tiles, int64_t channels, const float* add, float* y) {
  const Map& map = tiles.map;
  const int64_t plane = plane_size(tiles.count, channels);
  for (int64_t t = 0; t < tiles.count; ++t) {
    const Place place = place_of(map, tiles.first + t);
    const int64_t rows = std::min(kTile, map.height - place.y), columns = std::min(kTile, map.width - place.x);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const float* from = m + (c / kStrip * tiles.count + t) * kStrip + c % kStrip;
      V middle[4][6];
      for (int64_t j = 0; j < 6; ++j) {
        V in[6], out[4];
        for (int64_t i = 0; i < 6; ++i) in[i] = hn::LoadU(d, from + (6 * i + j) * plane);
        output_transform(in, out);
        for (int64_t i = 0; i < 4; ++i) middle[i][j] = out[i];
      }
      for (int64_t i = 0; i < rows; ++i) {
        V out[4];
        output_transform(middle[i], out);
        const int64_t at = ((place.image * map.height + place.y + i) * map.width + place.x) * channels + c;
        for (int64_t j = 0; j < columns; ++j) {
          if (add) out[j] = hn::Add(out[j], hn::LoadU(d, add + at + j * channels));
          hn::StoreU(out[j], d, y + at + j * channels);
        }
      }
    }
  }
}

/// sums += a bᵀ over `count` terms: a(row, k) = a[row · row_step + k · term_step], b one strip.
template <int64_t rows>
HWY_INLINE void add_products(const float* HWY_RESTRICT a, int64_t row_step, int64_t term_step, int64_t count,
                             const float* HWY_RESTRICT b, V (*sums)[kVectors]) {
  for (int64_t k = 0; k < count; ++k) {
    V strip[kVectors];
    for (int64_t v = 0; v < kVectors; ++v) strip[v] = hn::LoadU(d, b + k * kStrip + v * kLanes);
    for (int64_t i = 0; i < rows; ++i) {
      const V factor = hn::Set(d, a[i * row_step + k * term_step]);
      for (int64_t v = 0; v < kVectors; ++v) sums[i][v] = hn::MulAdd(factor, strip[v], sums[i][v]);
    }
  }
}

template <int64_t rows>
HWY_INLINE void multiply_rows(const float* v, int64_t strip_step, const float* u, int64_t in, float* m) {
  V sums[rows][kVectors];
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < kVectors; ++j) sums[i][j] = hn::Zero(d);
  for (int64_t k = 0; k < in; k += kStrip)
    add_products<rows>(v + k / kStrip * strip_step, kStrip, 1, kStrip, u + k * kStrip, sums);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < kVectors; ++j) hn::StoreU(sums[i][j], d, m + i * kStrip + j * kLanes);
}

/// Calls f with the largest number of rows up to kMost that is left, until none is.
template <int64_t kMost, typename F>
HWY_INLINE void for_rows(int64_t count, F&& f) {
  int64_t row = 0;
  for (; row + kMost <= count; row += kMost) f(std::integral_constant<int64_t, kMost>(), row);
  if constexpr (kMost > 1) {
    if (row < count) for_rows<kMost / 2>(count - row, [&](auto rows, int64_t at) { f(rows, row + at); });
  }
}

void multiply(const float* v, const float* u, const Product& size, float* m) {
  const auto [rows, in, out] = size;
  for (int64_t p = 0; p < kPlanes; ++p) {
    const float* a = v + p * plane_size(rows, in);
    for (int64_t c = 0; c < out; c += kStrip) {
      const float* b = u + p * plane_size(in, out) + c * in;
      float* to = m + p * plane_size(rows, out) + c * rows;
      for_rows<kRows>(rows, [&](auto count, int64_t row) {
        multiply_rows<count()>(a + row * kStrip, rows * kStrip, b, in, to + row * kStrip);
      });
    }
  }
}

void accumulate(const float* w, const float* v, const Product& size, int64_t plane, float* sum) {
  const auto [rows, in, out] = size;
  constexpr int64_t kTerms = 256;  // of a sum at a time: both strips then stay in the first-level cache
  sum += plane * plane_size(out, in);
  w += plane * plane_size(rows, out);
  v += plane * plane_size(rows, in);
  for (int64_t first = 0; first < rows; first += kTerms) {
    const int64_t count = std::min(kTerms, rows - first);
    for (int64_t o = 0; o < out; o += kStrip) {
      for (int64_t i = 0; i < in; i += kStrip) {
        const float *a = w + o * rows + first * kStrip, *b = v + i * rows + first * kStrip;
        float* to = sum + i * out + o * kStrip;
        for_rows<kRows>(kStrip, [&](auto of, int64_t row) {
          constexpr int64_t kOf = of();
          V sums[kOf][kVectors];
          for (int64_t r = 0; r < kOf; ++r)
            for (int64_t j = 0; j < kVectors; ++j) sums[r][j] = hn::LoadU(d, to + (row + r) * kStrip + j * kLanes);
          add_products<kOf>(a + row, 1, kStrip, count, b, sums);
          for (int64_t r = 0; r < kOf; ++r)
            for (int64_t j = 0; j < kVectors; ++j) hn::StoreU(sums[r][j], d, to + (row + r) * kStrip + j * kLanes);
        });
      }
    }
  }
}

void finish_gradient(const float* sum, const Outputs& size, float* dw) {
  const auto [in, out, begin, end] = size;
  const int64_t plane = plane_size(out, in);
  for (int64_t o = begin; o < end; ++o) {
    for (int64_t c = 0; c < in; c += kLanes) {
      const float* from = sum + (c / kStrip * out + o) * kStrip + c % kStrip;
      V middle[3][6];
      for (int64_t j = 0; j < 6; ++j) {
        V column[6], out3[3];
        for (int64_t i = 0; i < 6; ++i) column[i] = hn::LoadU(d, from + (6 * i + j) * plane);
        weight_transform(column, out3);
        for (int64_t i = 0; i < 3; ++i) middle[i][j] = out3[i];
      }
      for (int64_t i = 0; i < 3; ++i) {
        V row[3];
        weight_transform(middle[i], row);
        for (int64_t j = 0; j < 3; ++j) hn::StoreU(row[j], d, dw + (o * 9 + 3 * i + j) * in + c);
      }
    }
  }
}

}  // namespace fewlabel::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fewlabel::winograd {
HWY_EXPORT(transform_filters);
HWY_EXPORT(transform_input);
HWY_EXPORT(multiply);
HWY_EXPORT(transform_output);
HWY_EXPORT(transform_gradient);
HWY_EXPORT(accumulate);
HWY_EXPORT(finish_gradient);

void transform_filters(const Filters& w, int64_t first, int64_t last, float* u) {
  HWY_DYNAMIC_DISPATCH(transform_filters)(w, first, last, u);
}
void transform_input(const float* x, const Tiles& tiles, const Slice& slice, float* v) {
  HWY_DYNAMIC_DISPATCH(transform_input)(x, tiles, slice, v);
}
void multiply(const float* v, const float* u, const Product& size, float* m) {
  HWY_DYNAMIC_DISPATCH(multiply)(v, u, size, m);
}
void transform_output(const float* m, const Tiles& tiles, int64_t channels, const float* add, float* y) {
  HWY_DYNAMIC_DISPATCH(transform_output)(m, tiles, channels, add, y);
}
void transform_gradient(const float* dy, const Tiles& tiles, const Slice& slice, float* w) {
  HWY_DYNAMIC_DISPATCH(transform_gradient)(dy, tiles, slice, w);
}
void accumulate(const float* w, const float* v, const Product& size, int64_t plane, float* sum) {
  HWY_DYNAMIC_DISPATCH(accumulate)(w, v, size, plane, sum);
}
void finish_gradient(const float* sum, const Outputs& size, float* dw) {
  HWY_DYNAMIC_DISPATCH(finish_gradient)(sum, size, dw);
}

}  // namespace fewlabel::winograd
#endif
