#include "kernels/pointwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pointwise.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After Highway's, which includes this file anew for each instruction set.
#include <algorithm>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace fewlabel::pointwise::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kStrip>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D())), kVectors = kStrip / kLanes;
// Sums kept in registers: rows × one strip. AVX2 has 16 registers, AVX-512 32.
constexpr int64_t kRows = kLanes >= 16 ? 14 : 6;
constexpr int64_t kBlock = 1 << 16;  // numbers of x that are multiplied by all strips before the next come

/// One strip of results of a few rows.
template <int64_t rows>
HWY_INLINE void multiply_rows(const Product& at, const Shape& shape, int64_t row, int64_t column) {
  const Rows& x = at.x;
  const float *from = x.at + row * x.step, *filters = at.packed + column * shape.in;
  V sums[rows][kVectors];
  for (int64_t v = 0; v < kVectors; ++v) {
    const V shift = hn::LoadU(d, at.shift + column + v * kLanes);
    for (int64_t i = 0; i < rows; ++i) sums[i][v] = shift;
  }
  for (int64_t done = 0; done < shape.in; done += x.piece, from += x.next) {
    for (int64_t k = 0; k < x.piece; ++k, filters += kStrip) {
      V strip[kVectors];
      for (int64_t v = 0; v < kVectors; ++v) strip[v] = hn::LoadU(d, filters + v * kLanes);
      for (int64_t i = 0; i < rows; ++i) {
        const V factor = hn::Set(d, from[i * x.step + k]);
        for (int64_t v = 0; v < kVectors; ++v) sums[i][v] = hn::MulAdd(factor, strip[v], sums[i][v]);
      }
    }
  }
  const V low = hn::Set(d, at.low), high = hn::Set(d, at.high);
  const int64_t count = std::min(kStrip, shape.out - column);
  // In this order because x86 gives the second of two where one is NaN.
  const auto limited = [&](V value) { return hn::Min(high, hn::Max(low, value)); };
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t to = (row + i) * shape.out + column;
    for (int64_t v = 0; v < kVectors; ++v) {
      const int64_t first = v * kLanes;
      if (first + kLanes <= count) {
        if (at.residual) sums[i][v] = hn::Add(sums[i][v], hn::LoadU(d, at.residual + to + first));
        hn::StoreU(limited(sums[i][v]), d, at.y + to + first);
      } else if (first < count) {
        HWY_ALIGN float part[kLanes] = {};
        if (at.residual) std::copy_n(at.residual + to + first, count - first, part);
        hn::Store(limited(hn::Add(sums[i][v], hn::Load(d, part))), d, part);
        std::copy_n(part, count - first, at.y + to + first);
      }
    }
  }
}

/// Calls f with the largest number of rows up to kMost that is left, until none is.
template <int64_t kMost, typename F>
HWY_INLINE void for_rows(int64_t first, int64_t last, F&& f) {
  for (; first + kMost <= last; first += kMost) f(std::integral_constant<int64_t, kMost>(), first);
  if constexpr (kMost > 1) {
    if (first < last) for_rows<kMost / 2>(first, last, f);
  }
}

void multiply(const Product& at, const Shape& shape) {
  const int64_t block = std::max(kBlock / shape.in / kRows, int64_t{1}) * kRows;
  for (int64_t first = 0; first < shape.rows; first += block) {
    const int64_t last = std::min(first + block, shape.rows);
    for (int64_t column = 0; column < shape.out; column += kStrip)
      for_rows<kRows>(first, last, [&](auto rows, int64_t row) { multiply_rows<rows()>(at, shape, row, column); });
  }
}

}  // namespace fewlabel::pointwise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fewlabel::pointwise {
HWY_EXPORT(multiply);

void pack(const float* filters, const float* scale, const Shape& shape, int64_t first, int64_t last, float* packed) {
  for (int64_t strip = first; strip < last; ++strip) {
    const int64_t column = strip * kStrip, count = std::min(kStrip, shape.out - column);
    for (int64_t k = 0; k < shape.in; ++k) {
      float* to = packed + (column * shape.in + k * kStrip);
      for (int64_t o = 0; o < count; ++o) to[o] = filters[(column + o) * shape.in + k] * scale[column + o];
      std::fill(to + count, to + kStrip, 0.F);
    }
  }
}

void multiply(const Product& at, const Shape& shape) { HWY_DYNAMIC_DISPATCH(multiply)(at, shape); }

}  // namespace fewlabel::pointwise
#endif
