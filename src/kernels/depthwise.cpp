#include "kernels/depthwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After Highway's, which includes this file anew for each instruction set.
#include <algorithm>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace fewlabel::depthwise::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kStrip>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr int64_t kTile = 8;  // results of a row whose sums stay in registers

template <int64_t... i, typename F>
HWY_INLINE void each_of(std::integer_sequence<int64_t, i...>, F&& f) {
  (f(std::integral_constant<int64_t, i>()), ...);
}
/// Calls f with 0 … n - 1 as constants, so that what they index can be a register.
template <int64_t n, typename F>
HWY_INLINE void each(F&& f) {
  each_of(std::make_integer_sequence<int64_t, n>(), f);
}

/// Calls f(channel, done) for vectors that cover all channels; the last one begins earlier where it would go beyond
/// them, and its first `done` channels have been in the one before.
template <typename F>
HWY_INLINE void for_channels(const Shape& shape, F&& f) {
  for (int64_t c = 0; c < shape.channels; c += kLanes) {
    const int64_t begin = std::min(c, shape.channels - kLanes);
    f(begin, c - begin);
  }
}

/// Up to kTile neighbours in a row of results, and the rows and columns of the patch of x they see that lie in the map.
struct Tile {
  int64_t x, y;  // offsets; that of the patch's first place may lie outside
  int64_t count, first_row, last_row, first_column, last_column;
};

template <int64_t kernel, int64_t stride, typename F>
HWY_INLINE void for_tiles(const Shape& shape, int64_t first, int64_t last, F&& f) {
  for (int64_t row = first; row < last; ++row) {
    const int64_t image = row / shape.down, from = row % shape.down * stride - shape.top;
    for (int64_t t = 0; t < shape.across; t += kTile) {
      const int64_t column = t * stride - shape.left;
      f(Tile{((image * shape.height + from) * shape.width + column) * shape.channels,
             (row * shape.across + t) * shape.channels, std::min(kTile, shape.across - t), std::max<int64_t>(-from, 0),
             std::min(kernel, shape.height - from), std::max<int64_t>(-column, 0), shape.width - column});
    }
  }
}

/// Columns of the patch.
template <int64_t kernel, int64_t stride>
constexpr int64_t kColumns = (kTile - 1) * stride + kernel;

/// Calls f(result, tap) for what a column of the patch takes part in.
template <int64_t kernel, int64_t stride, int64_t column, typename F>
HWY_INLINE void each_use(F&& f) {
  each<kTile>([&](auto t) {
    constexpr int64_t kTap = column - t() * stride;
    if constexpr (kTap >= 0 && kTap < kernel) f(t, std::integral_constant<int64_t, kTap>());
  });
}

/// Inside: no column lies outside of the map.
template <int64_t kernel, int64_t stride, bool kInside>
HWY_INLINE void forward_tile(const Forward& at, const Shape& shape, const Tile& tile, int64_t c) {
  V sums[kTile];
  const V start = at.shift ? hn::LoadU(d, at.shift + c) : hn::Zero(d);
  each<kTile>([&](auto t) { sums[t()] = start; });
  for (int64_t i = tile.first_row; i < tile.last_row; ++i) {
    const int64_t row = tile.x + i * shape.width * shape.channels + c;
    V taps[kernel];
    each<kernel>([&](auto j) { taps[j()] = hn::LoadU(d, at.filters + (i * kernel + j()) * shape.channels + c); });
    each<kColumns<kernel, stride>>([&](auto column) {
      if (!kInside && (column() < tile.first_column || column() >= tile.last_column)) return;
      const V value = hn::LoadU(d, at.x + (row + column() * shape.channels));
      each_use<kernel, stride, column()>(
          [&](auto t, auto tap) { sums[t()] = hn::MulAdd(value, taps[tap()], sums[t()]); });
    });
  }
  const V low = hn::Set(d, at.low), high = hn::Set(d, at.high);
  each<kTile>([&](auto t) {
    if (t() >= tile.count) return;
    // In this order because x86 gives the second of two where one is NaN.
    hn::StoreU(hn::Min(high, hn::Max(low, sums[t()])), d, at.y + tile.y + t() * shape.channels + c);
  });
}

template <int64_t kernel, int64_t stride>
HWY_INLINE void forward_rows(const Forward& at, const Shape& shape, int64_t first, int64_t last) {
  for_tiles<kernel, stride>(shape, first, last, [&](const Tile& tile) {
    const bool inside = tile.first_column == 0 && tile.last_column >= kColumns<kernel, stride>;
    for_channels(shape, [&](int64_t c, int64_t) {
      if (inside)
        forward_tile<kernel, stride, true>(at, shape, tile, c);
      else
        forward_tile<kernel, stride, false>(at, shape, tile, c);
    });
  });
}

template <int64_t kernel, int64_t stride>
HWY_INLINE void backward_tile(const Backward& at, const Shape& shape, const Tile& tile, int64_t c, int64_t done) {
  V gradients[kTile];
  const auto fresh = hn::Not(hn::FirstN(d, static_cast<std::size_t>(done)));  // what is done is not added again
  each<kTile>([&](auto t) {
    gradients[t()] = t() < tile.count
                         ? hn::IfThenElseZero(fresh, hn::LoadU(d, at.dy + tile.y + t() * shape.channels + c))
                         : hn::Zero(d);
  });
  for (int64_t i = tile.first_row; i < tile.last_row; ++i) {
    const int64_t row = tile.x + i * shape.width * shape.channels + c;
    float* to = at.dfilters + i * kernel * shape.channels + c;
    V sums[kernel];
    each<kernel>([&](auto j) { sums[j()] = hn::LoadU(d, to + j() * shape.channels); });
    each<kColumns<kernel, stride>>([&](auto column) {
      if (column() < tile.first_column || column() >= tile.last_column) return;
      const V value = hn::LoadU(d, at.x + (row + column() * shape.channels));
      each_use<kernel, stride, column()>(
          [&](auto t, auto tap) { sums[tap()] = hn::MulAdd(value, gradients[t()], sums[tap()]); });
    });
    each<kernel>([&](auto j) { hn::StoreU(sums[j()], d, to + j() * shape.channels); });
  }
}

template <int64_t kernel, int64_t stride>
HWY_INLINE void backward_rows(const Backward& at, const Shape& shape, int64_t first, int64_t last) {
  std::fill_n(at.dfilters, kernel * kernel * shape.channels, 0.F);
  for_tiles<kernel, stride>(shape, first, last, [&](const Tile& tile) {
    for_channels(shape, [&](int64_t c, int64_t done) { backward_tile<kernel, stride>(at, shape, tile, c, done); });
  });
}

/// A tile of x begins where the first tap of a result falls, so that it is known which taps meet which places.
template <int64_t kernel>
HWY_INLINE void spread_tile(const Spread& at, const Shape& shape, int64_t row, int64_t left, int64_t c) {
  constexpr int64_t kBefore = (kernel - 1) / 2, kResults = kBefore + kTile / 2;  // results that see the tile
  const int64_t image = row / shape.height, down = row % shape.height + shape.top;
  const int64_t across = (left + shape.left) / 2 - kBefore;
  V sums[kTile];
  each<kTile>([&](auto t) { sums[t()] = hn::Zero(d); });
  for (int64_t i = down % 2; i < kernel && i <= down; i += 2) {
    const int64_t y = (down - i) / 2;
    if (y >= shape.down) continue;
    V taps[kernel];
    each<kernel>([&](auto j) { taps[j()] = hn::LoadU(d, at.filters + (i * kernel + j()) * shape.channels + c); });
    each<kResults>([&](auto result) {
      const int64_t x = across + result();
      if (x < 0 || x >= shape.across) return;
      const V value = hn::LoadU(d, at.dy + ((image * shape.down + y) * shape.across + x) * shape.channels + c);
      each<kTile>([&](auto t) {
        constexpr int64_t kTap = t() - 2 * (result() - kBefore);
        if constexpr (kTap >= 0 && kTap < kernel) sums[t()] = hn::MulAdd(value, taps[kTap], sums[t()]);
      });
    });
  }
  each<kTile>([&](auto t) {
    const int64_t x = left + t();
    if (x >= 0 && x < shape.width) hn::StoreU(sums[t()], d, at.dx + (row * shape.width + x) * shape.channels + c);
  });
}

template <int64_t kernel>
HWY_INLINE void spread_rows(const Spread& at, const Shape& shape, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row)
    for (int64_t left = -(shape.left % 2); left < shape.width; left += kTile)
      for_channels(shape, [&](int64_t c, int64_t) { spread_tile<kernel>(at, shape, row, left, c); });
}

/// Calls f(kernel, stride) with the shape's as constants.
template <typename F>
HWY_INLINE void with_size(const Shape& shape, F&& f) {
  using Three = std::integral_constant<int64_t, 3>;
  using Five = std::integral_constant<int64_t, 5>;
  using Seven = std::integral_constant<int64_t, 7>;
  if (shape.kernel == 7) return f(Seven(), std::integral_constant<int64_t, 1>());
  const auto with_stride = [&](auto kernel) {
    if (shape.stride == 1)
      f(kernel, std::integral_constant<int64_t, 1>());
    else
      f(kernel, std::integral_constant<int64_t, 2>());
  };
  if (shape.kernel == 3)
    with_stride(Three());
  else
    with_stride(Five());
}

void forward(const Forward& at, const Shape& shape, int64_t first, int64_t last) {
  with_size(shape, [&](auto kernel, auto stride) { forward_rows<kernel(), stride()>(at, shape, first, last); });
}

void backward(const Backward& at, const Shape& shape, int64_t first, int64_t last) {
  with_size(shape, [&](auto kernel, auto stride) { backward_rows<kernel(), stride()>(at, shape, first, last); });
}

void spread(const Spread& at, const Shape& shape, int64_t first, int64_t last) {
  if (shape.kernel == 3)
    spread_rows<3>(at, shape, first, last);
  else
    spread_rows<5>(at, shape, first, last);
}

}  // namespace fewlabel::depthwise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fewlabel::depthwise {
HWY_EXPORT(forward);
HWY_EXPORT(backward);
HWY_EXPORT(spread);

void forward(const Forward& at, const Shape& shape, int64_t first, int64_t last) {
  HWY_DYNAMIC_DISPATCH(forward)(at, shape, first, last);
}
void backward(const Backward& at, const Shape& shape, int64_t first, int64_t last) {
  HWY_DYNAMIC_DISPATCH(backward)(at, shape, first, last);
}
void spread(const Spread& at, const Shape& shape, int64_t first, int64_t last) {
  HWY_DYNAMIC_DISPATCH(spread)(at, shape, first, last);
}

}  // namespace fewlabel::depthwise
#endif
