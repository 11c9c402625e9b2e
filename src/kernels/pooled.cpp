#include "kernels/pooled.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pooled.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace fewlabel::pooled::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kStrip>;
using V = hn::Vec<D>;
constexpr D d;
constexpr hn::RebindToUnsigned<D> du;
constexpr hn::Rebind<uint8_t, D> bytes;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D())), kVectors = kStrip / kLanes;

/// One row of results for the strips from c on: kWide strips at a time share the loads of the pixels, and with AVX-512
/// one strip alone would have too few independent sums to hide the latency of a product.
template <int64_t kWide>
HWY_INLINE void forward_strips(const Forward& at, const Shape& shape, const float* rows, int64_t c, uint8_t* winners) {
  constexpr int64_t kAll = kWide * kVectors;
  const int64_t across = shape.across(), in = shape.in, out = shape.out;
  for (int64_t left = 0; left < across; ++left) {
    const float* patch = rows + 2 * left * in;
    V sums[4][kAll];
    for (int64_t v = 0; v < kAll; ++v)
      for (int64_t p = 0; p < 4; ++p) sums[p][v] = hn::LoadU(d, at.bias + c + v * kLanes);
    for (int64_t channel = 0; channel < in; ++channel) {
      for (int64_t i = 0; i < 3; ++i) {
        for (int64_t j = 0; j < 3; ++j) {
          const float* filter = at.filters + ((3 * i + j) * in + channel) * out + c;
          V taps[kAll];
          for (int64_t v = 0; v < kAll; ++v) taps[v] = hn::LoadU(d, filter + v * kLanes);
          for (int64_t p = 0; p < 4; ++p) {
            const V pixel = hn::Set(d, patch[((i + p / 2) * shape.width + j + p % 2) * in + channel]);
            for (int64_t v = 0; v < kAll; ++v) sums[p][v] = hn::MulAdd(pixel, taps[v], sums[p][v]);
          }
        }
      }
    }
    for (int64_t v = 0; v < kAll; ++v) {
      V best = hn::Zero(d);
      auto winner = hn::Set(du, 4);
      for (int64_t p = 0; p < 4; ++p) {
        const auto larger = hn::Gt(sums[p][v], best);
        best = hn::IfThenElse(larger, sums[p][v], best);
        winner = hn::IfThenElse(hn::RebindMask(du, larger), hn::Set(du, static_cast<uint32_t>(p)), winner);
      }
      hn::StoreU(best, d, at.row + left * out + c + v * kLanes);
      if (winners) hn::StoreU(hn::U8FromU32(winner), bytes, winners + left * out + c + v * kLanes);
    }
  }
}

void forward(const Forward& at, const Shape& shape, int64_t images) {
  constexpr int64_t kWide = kLanes >= 16 ? 2 : 1;
  const int64_t across = shape.across(), down = shape.down(), out = shape.out;
  for (int64_t image = 0; image < images; ++image) {
    const float* x = at.x + image * shape.pixels();
    float* y = at.y + image * shape.results();
    for (int64_t top = 0; top < down; ++top) {
      const float* rows = x + 2 * top * shape.width * shape.in;
      uint8_t* winners = at.winner ? at.winner + (image * down + top) * across * out : nullptr;
      int64_t c = 0;
      for (; c + kWide * kStrip <= out; c += kWide * kStrip) forward_strips<kWide>(at, shape, rows, c, winners);
      for (; c < out; c += kStrip) forward_strips<1>(at, shape, rows, c, winners);
      for (c = 0; c < out; ++c)
        for (int64_t left = 0; left < across; ++left) y[(c * down + top) * across + left] = at.row[left * out + c];
    }
  }
}

void backward(const Backward& at, const Shape& shape, int64_t images) {
  const int64_t across = shape.across(), down = shape.down(), in = shape.in, out = shape.out;
  for (int64_t image = 0; image < images; ++image) {
    const float* x = at.x + image * shape.pixels();
    const float* dy = at.dy + image * shape.results();
    for (int64_t top = 0; top < down; ++top) {
      for (int64_t c = 0; c < out; ++c)
        for (int64_t left = 0; left < across; ++left) at.row[left * out + c] = dy[(c * down + top) * across + left];
      for (int64_t c = 0; c < out; c += kLanes) {
        for (int64_t channel = 0; channel < in; ++channel) {
          V sums[9];
          for (int64_t k = 0; k < 9; ++k) sums[k] = hn::LoadU(d, at.dfilters + (k * in + channel) * out + c);
          V total = hn::LoadU(d, at.dbias + c);
          for (int64_t left = 0; left < across; ++left) {
            const V g = hn::LoadU(d, at.row + left * out + c);
            const auto winner =
                hn::PromoteTo(du, hn::LoadU(bytes, at.winner + ((image * down + top) * across + left) * out + c));
            const float* patch = x + (2 * top * shape.width + 2 * left) * in + channel;
            for (int64_t p = 0; p < 4; ++p) {
              const auto here = hn::RebindMask(d, hn::Eq(winner, hn::Set(du, static_cast<uint32_t>(p))));
              const V part = hn::IfThenElseZero(here, g);
              total = hn::Add(total, part);
              for (int64_t k = 0; k < 9; ++k) {
                const V pixel = hn::Set(d, patch[((k / 3 + p / 2) * shape.width + k % 3 + p % 2) * in]);
                sums[k] = hn::MulAdd(pixel, part, sums[k]);
              }
            }
          }
          for (int64_t k = 0; k < 9; ++k) hn::StoreU(sums[k], d, at.dfilters + (k * in + channel) * out + c);
          if (channel == 0) hn::StoreU(total, d, at.dbias + c);
        }
      }
    }
  }
}

}  // namespace fewlabel::pooled::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fewlabel::pooled {
HWY_EXPORT(forward);
HWY_EXPORT(backward);

void forward(const Forward& at, const Shape& shape, int64_t images) {
  HWY_DYNAMIC_DISPATCH(forward)(at, shape, images);
}
void backward(const Backward& at, const Shape& shape, int64_t images) {
  HWY_DYNAMIC_DISPATCH(backward)(at, shape, images);
}

}  // namespace fewlabel::pooled
#endif
