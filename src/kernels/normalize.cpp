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
constexpr hn::Rebind<uint32_t, D> d_bits;
constexpr hn::Rebind<int32_t, D> d_signed;
constexpr hn::Rebind<uint16_t, D> d_half;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr int64_t kTogether = 4;  // rows whose sums stay in registers

HWY_INLINE V load(const float* from) { return hn::LoadU(d, from); }
HWY_INLINE void store(V value, float* to) { hn::StoreU(value, d, to); }

/// A bf16 is the upper half of a float.
using Bf16 = uint16_t;
HWY_INLINE V load(const Bf16* from) {
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d_bits, hn::LoadU(d_half, from))));
}
HWY_INLINE void store(V value, Bf16* to) {
  const auto bits = hn::BitCast(d_bits, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d_bits, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(d_bits, 0x7fff))));
  hn::StoreU(hn::DemoteTo(d_half, hn::BitCast(d_signed, rounded)), d_half, to);
}

/// Calls f with the storage's type.
template <typename F>
HWY_INLINE void with_type(Storage storage, F&& f) {
  if (storage == Storage::bf16)
    f(Bf16{});
  else
    f(float{});
}

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

HWY_INLINE void add_to(float* sum, V value) { store(hn::Add(load(sum), value), sum); }

HWY_INLINE void clear(float* a, float* b, int64_t count) {
  for_channels(count, [&](int64_t c) {
    store(hn::Zero(d), a + c);
    store(hn::Zero(d), b + c);
  });
}

template <typename T>
HWY_INLINE void moments_of(const T* x, const Rows& rows, const T* origin, float* sum, float* square) {
  clear(sum, square, rows.channels);
  for_groups(rows, [&](int64_t row, auto together, int64_t c) {
    const V from = load(origin + c);
    V first = hn::Zero(d), second = hn::Zero(d);
    for (int64_t r = 0; r < together(); ++r) {
      const V value = hn::Sub(load(x + (row + r) * rows.channels + c), from);
      first = hn::Add(first, value);
      second = hn::MulAdd(value, value, second);
    }
    add_to(sum + c, first);
    add_to(square + c, second);
  });
}

template <typename T>
HWY_INLINE void apply_to(const T* x, const Rows& rows, const Affine& affine, const T* residual, T* y) {
  const V leak = hn::Set(d, affine.leak);
  for (int64_t row = 0; row < rows.count; ++row) {
    for_channels(rows.channels, [&](int64_t c) {
      const int64_t at = row * rows.channels + c;
      V z = hn::MulAdd(load(x + at), load(affine.scale + c), load(affine.shift + c));
      if (residual) z = hn::Add(z, load(residual + at));
      store(hn::IfThenElse(hn::Gt(z, hn::Zero(d)), z, hn::Mul(z, leak)), y + at);
    });
  }
}

template <typename T>
struct Typed {
  explicit Typed(const Backward& from)
      : dy(static_cast<const T*>(from.dy)),
        x(static_cast<const T*>(from.x)),
        y(static_cast<const T*>(from.y)),
        g(static_cast<T*>(from.g)) {}
  const T *dy, *x, *y;
  T* g;
};

/// dy f'(z).
template <typename T>
HWY_INLINE V inner(const Typed<T>& from, const Affine& affine, int64_t at, int64_t c, V x) {
  const V dy = load(from.dy + at);
  const V z = from.y ? load(from.y + at) : hn::MulAdd(x, load(affine.scale + c), load(affine.shift + c));
  return hn::IfThenElse(hn::Gt(z, hn::Zero(d)), dy, hn::Mul(dy, hn::Set(d, affine.leak)));
}

template <typename T>
HWY_INLINE void sums_of(const Typed<T>& from, const Rows& rows, const Affine& affine, const float* mean, float* sum,
                        float* product) {
  clear(sum, product, rows.channels);
  for_groups(rows, [&](int64_t row, auto together, int64_t c) {
    const V middle = load(mean + c);
    V first = hn::Zero(d), second = hn::Zero(d);
    for (int64_t r = 0; r < together(); ++r) {
      const int64_t at = (row + r) * rows.channels + c;
      const V x = load(from.x + at), g = inner(from, affine, at, c, x);
      if (from.g) store(g, from.g + at);
      first = hn::Add(first, g);
      second = hn::MulAdd(g, hn::Sub(x, middle), second);
    }
    add_to(sum + c, first);
    add_to(product + c, second);
  });
}

template <typename T>
HWY_INLINE void gradient_of(const Typed<T>& from, const Rows& rows, const Affine& affine, const Gradient& gradient,
                            T* dx) {
  for (int64_t row = 0; row < rows.count; ++row) {
    for_channels(rows.channels, [&](int64_t c) {
      const int64_t at = row * rows.channels + c;
      const V x = load(from.x + at);
      const V g = from.g ? load(from.g + at) : inner(from, affine, at, c, x);
      const V rest = hn::MulAdd(load(gradient.by_x + c), x, load(gradient.constant + c));
      store(hn::MulAdd(load(affine.scale + c), g, rest), dx + at);
    });
  }
}

void moments(const void* x, const Rows& rows, const void* origin, float* sum, float* square) {
  with_type(rows.storage, [&]<typename T>(T) {
    moments_of(static_cast<const T*>(x), rows, static_cast<const T*>(origin), sum, square);
  });
}

void apply(const void* x, const Rows& rows, const Affine& affine, const void* residual, void* y) {
  with_type(rows.storage, [&]<typename T>(T) {
    apply_to(static_cast<const T*>(x), rows, affine, static_cast<const T*>(residual), static_cast<T*>(y));
  });
}

void backward_sums(const Backward& from, const Rows& rows, const Affine& affine, const float* mean, float* sum,
                   float* product) {
  with_type(rows.storage, [&]<typename T>(T) { sums_of(Typed<T>(from), rows, affine, mean, sum, product); });
}

void backward_apply(const Backward& from, const Rows& rows, const Affine& affine, const Gradient& gradient, void* dx) {
  with_type(rows.storage,
            [&]<typename T>(T) { gradient_of(Typed<T>(from), rows, affine, gradient, static_cast<T*>(dx)); });
}

}  // namespace fewlabel::normalize::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fewlabel::normalize {
HWY_EXPORT(moments);
HWY_EXPORT(apply);
HWY_EXPORT(backward_sums);
HWY_EXPORT(backward_apply);

void moments(const void* x, const Rows& rows, const void* origin, float* sum, float* square) {
  HWY_DYNAMIC_DISPATCH(moments)(x, rows, origin, sum, square);
}
void apply(const void* x, const Rows& rows, const Affine& affine, const void* residual, void* y) {
  HWY_DYNAMIC_DISPATCH(apply)(x, rows, affine, residual, y);
}
void backward_sums(const Backward& from, const Rows& rows, const Affine& affine, const float* mean, float* sum,
                   float* product) {
  HWY_DYNAMIC_DISPATCH(backward_sums)(from, rows, affine, mean, sum, product);
}
void backward_apply(const Backward& from, const Rows& rows, const Affine& affine, const Gradient& gradient, void* dx) {
  HWY_DYNAMIC_DISPATCH(backward_apply)(from, rows, affine, gradient, dx);
}

}  // namespace fewlabel::normalize
#endif
