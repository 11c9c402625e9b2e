#include "kernels/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd.cpp"
#include "hwy/foreach_target.h"
#include "kernels/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fewlabel::winograd::HWY_NAMESPACE {

// Sums kept in registers: rows × one strip. AVX2 has 16 registers, AVX-512 32.
constexpr int64_t kRows = kLanes >= 16 ? 14 : 6;

/// Puts into a matrix of so many rows, from row `first` on.
struct PutFloats {
  PutFloats(float* matrix, const Slice& slice)
      : to(matrix + slice.first * kStrip), rows(slice.rows), plane(plane_size(slice.rows, slice.channels)) {}
  HWY_INLINE void operator()(int64_t row, int64_t column, int64_t p, int64_t offset, V value) const {
    hn::StoreU(value, d, to + p * plane + column * rows + row * kStrip + offset);
  }
  float* to;
  int64_t rows, plane;
};

struct StoreFloats {
  HWY_INLINE void operator()(V value, float* to) const { hn::StoreU(value, d, to); }
};

void transform_filters(const Filters& w, int64_t first, int64_t last, float* u) {
  put_filters(w, first, last, PutFloats(u, {w.columns, 0, w.rows}));
}

void transform_input(const float* x, const Tiles& tiles, const Slice& slice, float* v) {
  put_tiles<6, 1, input_transform>(x, tiles, slice.channels, PutFloats(v, slice));
}

void transform_gradient(const float* dy, const Tiles& tiles, const Slice& slice, float* w) {
  put_tiles<4, 1, gradient_transform>(dy, tiles, slice.channels, PutFloats(w, slice));
}

void transform_output(const float* m, const Tiles& tiles, int64_t channels, const float* add, float* y) {
  store_output(m, tiles, channels, add, y, StoreFloats());
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
