// The parts of Winograd's algorithm that do not depend on how the transformed tiles are kept, once for each instruction
// set. A place to put transformed values is called as put(row, column, plane, offset, value): the vector that starts
// `offset` columns into the strip at `column` of one plane.
#if defined(FEWLABEL_KERNELS_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FEWLABEL_KERNELS_WINOGRAD_INL_H_
#undef FEWLABEL_KERNELS_WINOGRAD_INL_H_
#else
#define FEWLABEL_KERNELS_WINOGRAD_INL_H_
#endif

#include <algorithm>
#include <utility>

#include "hwy/highway.h"
#include "kernels/winograd.h"

HWY_BEFORE_NAMESPACE();
namespace fewlabel::winograd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kStrip>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D())), kVectors = kStrip / kLanes;

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

HWY_INLINE V load(const float* from) { return hn::LoadU(d, from); }
/// Of bf16, which are the upper halves of fp32.
HWY_INLINE V load(const uint16_t* from) {
  const hn::Rebind<uint32_t, D> wide;
  const hn::Rebind<uint16_t, D> narrow;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(wide, hn::LoadU(narrow, from))));
}

/// The strips [first, last) of every plane of G w Gᵀ.
template <typename Put>
HWY_INLINE void put_filters(const Filters& w, int64_t first, int64_t last, Put put) {
  for (int64_t strip = first; strip < last; ++strip) {
    for (int64_t row = 0; row < w.rows; ++row) {
      HWY_ALIGN float taps[9][kStrip];
      const float* from = w.at + row * w.row_step + strip * kStrip * w.column_step;
      for (int64_t c = 0; c < kStrip; ++c)
        for (int64_t k = 0; k < 9; ++k) taps[k][c] = from[k * w.tap + c * w.column_step];
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
          for (int64_t j = 0; j < 6; ++j) put(row, strip * kStrip, 6 * i + j, v, out[j]);
        }
      }
    }
  }
}

/// Where a tile's first output is.
struct Place {
  int64_t image, y, x;
};
HWY_INLINE Place place_of(const Map& map, int64_t tile) {
  const int64_t across = map.across(), down = map.down();
  return {tile / (across * down), tile / across % down * kTile, tile % across * kTile};
}

/// Transforms the patch of kSide × kSide places at each tile in both directions; places outside of the image are zero.
/// kGroup tiles are put one after the other, strip by strip; tiles that are missing from the last group are zero. Rows
/// count from 0.
template <int64_t kSide, int64_t kGroup, void (*transform)(const V*, V*), typename T, typename Put>
HWY_INLINE void put_tiles(const T* from, const Tiles& tiles, int64_t channels, Put put) {
  constexpr int64_t kBorder = kSide > kTile ? 1 : 0;
  HWY_ALIGN static constexpr T kZeros[kStrip] = {};
  const Map& map = tiles.map;
  for (int64_t t = 0; t < tiles.count; t += kGroup) {
    const T* at[kGroup][kSide][kSide];
    bool inside[kGroup][kSide][kSide];
    for (int64_t g = 0; g < kGroup; ++g) {
      const Place place = place_of(map, tiles.first + t + g);
      for (int64_t i = 0; i < kSide; ++i) {
        for (int64_t j = 0; j < kSide; ++j) {
          const int64_t y = place.y - kBorder + i, x = place.x - kBorder + j;
          inside[g][i][j] = t + g < tiles.count && y >= 0 && y < map.height && x >= 0 && x < map.width;
          at[g][i][j] = inside[g][i][j] ? from + ((place.image * map.height + y) * map.width + x) * channels : kZeros;
        }
      }
    }
    for (int64_t c = 0; c < channels; c += kStrip) {
      for (int64_t g = 0; g < kGroup; ++g) {
        V middle[6][kSide][kVectors];
        for (int64_t j = 0; j < kSide; ++j) {
          for (int64_t v = 0; v < kVectors; ++v) {
            V in[kSide], column[6];
            for (int64_t i = 0; i < kSide; ++i) in[i] = load(at[g][i][j] + (inside[g][i][j] ? c : 0) + v * kLanes);
            transform(in, column);
            for (int64_t i = 0; i < 6; ++i) middle[i][j][v] = column[i];
          }
        }
        for (int64_t i = 0; i < 6; ++i) {
          for (int64_t v = 0; v < kVectors; ++v) {
            V in[kSide], out[6];
            for (int64_t j = 0; j < kSide; ++j) in[j] = middle[i][j][v];
            transform(in, out);
            for (int64_t j = 0; j < 6; ++j) put(t + g, c, 6 * i + j, v * kLanes, out[j]);
          }
        }
      }
    }
  }
}

/// y ← Aᵀ m A + add; store(value, to) keeps a vector of outputs.
template <typename T, typename Store>
HWY_INLINE void store_output(const float* m, const Tiles& tiles, int64_t channels, const T* add, T* y, Store store) {
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
          if (add) out[j] = hn::Add(out[j], load(add + at + j * channels));
          store(out[j], y + at + j * channels);
        }
      }
    }
  }
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

}  // namespace fewlabel::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // include guard
