#include "kernels/normalize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/normalize.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace fewlabel::normalize::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kStrip>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr int64_t kTogether = 4;  // rows whose sums stay in registers

template <typename F>
HWY_INLINE void for_channels(int64_t channels, F&& f) {
  for (int64_t c = 0; c < channels; c += kLanes) f(c);
}

/// Calls f(row, number of rows, channel) for groups of rows, so that a sum in memory is touched once a group.
template <typename F>
HWY_INLINE void for_groups(const Rows& rows, F&& f) {
  int64_t row = 0;
  for (; row + kTogether <= rows.count; row += kTogether)
    for_channels(rows.channels, [&](int64_t c) { f(row, std::integral_constant<int64_t, kTogether>(), c); });
  for (; row < rows.count; ++row)
    for_channels(rows.channels, [&](int64_t c) { f(row, std::integral_constant<int64_t, 1>(), c); });
}

HWY_INLINE void add_to(float* sum, V value) { hn::StoreU(hn::Add(hn::LoadU(d, sum), value), d, sum); }

HWY_INLINE void clear(float* a, float* b, int64_t count) {
  for_channels(count, [&](int64_t c) {
    hn::StoreU(hn::Zero(d), d, a + c);
    hn::StoreU(hn::Zero(d), d, b + c);
  });
}

void moments(const float* x, const Rows& rows, const float* origin, float* sum, float* square) {
  clear(sum, square, rows.channels);
  for_groups(rows, [&](int64_t row, auto together, int64_t c) {
    const V from = hn::LoadU(d, origin + c);
    V first = hn::Zero(d), second = hn::Zero(d);
    for (int64_t r = 0; r < together(); ++r) {
      const V value = hn::Sub(hn::LoadU(d, x + (row + r) * rows.channels + c), from);
      first = hn::Add(first, value);
      second = hn::MulAdd(value, value, second);
    }
    add_to(sum + c, first);
    add_to(square + c, second);
  });
}

void apply(const float* x, const Rows& rows, const Affine& affine, const float* residual, float* y) {
  const V leak = hn::Set(d, affine.leak);
  for (int64_t row = 0; row < rows.count; ++row) {
    for_channels(rows.channels, [&](int64_t c) {
      const int64_t at = row * rows.channels + c;
      V z = hn::MulAdd(hn::LoadU(d, x + at), hn::LoadU(d, affine.scale + c), hn::LoadU(d, affine.shift + c));
      if (residual) z = hn::Add(z, hn::LoadU(d, residual + at));
      hn::StoreU(hn::IfThenElse(hn::Gt(z, hn::Zero(d)), z, hn::Mul(z, leak)), d, y + at);
    });
  }
}

/// dy f'(z).
HWY_INLINE V inner(const Backward& from, const Affine& affine, int64_t at, int64_t c, V x) {
  const V dy = hn::LoadU(d, from.dy + at);
  const V z = from.y ? hn::LoadU(d, from.y + at)
                     : hn::MulAdd(x, hn::LoadU(d, affine.scale + c), hn::LoadU(d, affine.shift + c));
  return hn::IfThenElse(hn::Gt(z, hn::Zero(d)), dy, hn::Mul(dy, hn::Set(d, affine.leak)));
}

void backward_sums(const Backward& from, const Rows& rows, const Affine& affine, const float* mean, float* sum,
                   float* product) {
  clear(sum, product, rows.channels);
  for_groups(rows, [&](int64_t row, auto together, int64_t c) {
    const V middle = hn::LoadU(d, mean + c);
    V first = hn::Zero(d), second = hn::Zero(d);
    for (int64_t r = 0; r < together(); ++r) {
      const int64_t at = (row + r) * rows.channels + c;
      const V x = hn::LoadU(d, from.x + at), g = inner(from, affine, at, c, x);
      if (from.g) hn::StoreU(g, d, from.g + at);
      first = hn::Add(first, g);
      second = hn::MulAdd(g, hn::Sub(x, middle), second);
    }
    add_to(sum + c, first);
    add_to(product + c, second);
  });
}

void backward_apply(const Backward& from, const Rows& rows, const Affine& affine, const Gradient& gradient, float* dx) {
  for (int64_t row = 0; row < rows.count; ++row) {
    for_channels(rows.channels, [&](int64_t c) {
      const int64_t at = row * rows.channels + c;
      const V x = hn::LoadU(d, from.x + at);
      const V g = from.g ? hn::LoadU(d, from.g + at) : inner(from, affine, at, c, x);
      const V rest = hn::MulAdd(hn::LoadU(d, gradient.by_x + c), x, hn::LoadU(d, gradient.constant + c));
      hn::StoreU(hn::MulAdd(hn::LoadU(d, affine.scale + c), g, rest), d, dx + at);
    });
  }
}

}  // namespace fewlabel::normalize::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fewlabel::normalize {
HWY_EXPORT(moments);
HWY_EXPORT(apply);
HWY_EXPORT(backward_sums);
HWY_EXPORT(backward_apply);

void moments(const float* x, const Rows& rows, const float* origin, float* sum, float* square) {
  HWY_DYNAMIC_DISPATCH(moments)(x, rows, origin, sum, square);
}
void apply(const float* x, const Rows& rows, const Affine& affine, const float* residual, float* y) {
  HWY_DYNAMIC_DISPATCH(apply)(x, rows, affine, residual, y);
}
void backward_sums(const Backward& from, const Rows& rows, const Affine& affine, const float* mean, float* sum,
                   float* product) {
  HWY_DYNAMIC_DISPATCH(backward_sums)(from, rows, affine, mean, sum, product);
}
void backward_apply(const Backward& from, const Rows& rows, const Affine& affine, const Gradient& gradient, float* dx) {
  HWY_DYNAMIC_DISPATCH(backward_apply)(from, rows, affine, gradient, dx);
}

}  // namespace fewlabel::normalize
#endif
