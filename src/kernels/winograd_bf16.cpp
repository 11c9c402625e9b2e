#include "kernels/winograd_bf16.h"

#include <algorithm>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_bf16.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

// Highway 1.0 knows no target with AVX512-BF16: this is its AVX-512 with that added, asked for by available().
#if HWY_TARGET == HWY_AVX3
#include <immintrin.h>
HWY_PUSH_ATTRIBUTES("avx512bf16")
#endif
#include "kernels/winograd-inl.h"

#if HWY_TARGET == HWY_AVX3
#define FEWLABEL_WINOGRAD_BF16
HWY_BEFORE_NAMESPACE();
namespace fewlabel::winograd::HWY_NAMESPACE {

static_assert(kLanes == kStrip);
constexpr int64_t kPair = 2 * kStrip;  // numbers of two rows of a strip

HWY_INLINE __m256i rounded(V value) {
  const __m256bh half = _mm512_cvtneps_pbh(value.raw);
  __m256i bits;
  std::memcpy(&bits, &half, sizeof bits);
  return bits;
}
HWY_INLINE void store(V value, uint16_t* to) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), rounded(value)); }
/// sum + a pair of `factor` times a pair of each lane of `strip`.
HWY_INLINE __m512 add_pair(__m512 sum, __m512i factor, __m512i strip) {
  __m512bh a, b;
  std::memcpy(&a, &factor, sizeof a);
  std::memcpy(&b, &strip, sizeof b);
  return _mm512_dpbf16_ps(sum, a, b);
}
HWY_INLINE __m512i pairs_at(const uint16_t* from) { return _mm512_loadu_si512(from); }
/// Two neighbours in every lane.
HWY_INLINE __m512i pair_everywhere(const uint16_t* from) {
  int pair;
  std::memcpy(&pair, from, sizeof pair);
  return _mm512_set1_epi32(pair);
}

struct PutPlain {
  PutPlain(uint16_t* matrix, const Slice& slice)
      : to(matrix + slice.first * kStrip), rows(slice.rows), plane(bf16::plane_size(slice.rows, slice.channels)) {}
  HWY_INLINE void operator()(int64_t row, int64_t column, int64_t p, int64_t, V value) const {
    store(value, to + p * plane + column * rows + row * kStrip);
  }
  uint16_t* to;
  int64_t rows, plane;
};

/// Rows come in twos: the first is held until the second is there.
struct PutPairs {
  PutPairs(uint16_t* matrix, const Slice& slice, float* held)
      : to(matrix + slice.first * kStrip),
        held(held),
        rows(slice.rows),
        plane(bf16::plane_size(slice.rows, slice.channels)) {}
  HWY_INLINE void operator()(int64_t row, int64_t column, int64_t p, int64_t, V value) const {
    if (row % 2 == 0) {
      hn::Store(value, d, held + p * kStrip);
      return;
    }
    const __m512i first = _mm512_cvtepu16_epi32(rounded(hn::Load(d, held + p * kStrip)));
    const __m512i second = _mm512_slli_epi32(_mm512_cvtepu16_epi32(rounded(value)), 16);
    _mm512_storeu_si512(to + p * plane + column * rows + (row - 1) * kStrip, _mm512_or_si512(first, second));
  }
  uint16_t* to;
  float* held;  // kPlanes × kStrip
  int64_t rows, plane;
};

struct StoreRounded {
  HWY_INLINE void operator()(V value, uint16_t* to) const { store(value, to); }
};

void filters_bf16(const Filters& w, int64_t first, int64_t last, uint16_t* u) {
  // Row by row, so that what is held is of one strip.
  HWY_ALIGN float held[kPlanes * kStrip];
  put_filters(w, first, last, PutPairs(u, {w.columns, 0, w.rows}, held));
}

void input_bf16(const uint16_t* x, const Tiles& tiles, const Slice& slice, uint16_t* v) {
  put_tiles<6, 1, input_transform>(x, tiles, slice.channels, PutPlain(v, slice));
}

void input_pairs_bf16(const uint16_t* x, const Tiles& tiles, const Slice& slice, uint16_t* v) {
  HWY_ALIGN float held[kPlanes * kStrip];
  put_tiles<6, 2, input_transform>(x, tiles, slice.channels, PutPairs(v, slice, held));
}

void gradient_bf16(const uint16_t* dy, const Tiles& tiles, const Slice& slice, uint16_t* w) {
  HWY_ALIGN float held[kPlanes * kStrip];
  put_tiles<4, 2, gradient_transform>(dy, tiles, slice.channels, PutPairs(w, slice, held));
}

void output_bf16(const float* m, const Tiles& tiles, int64_t channels, const uint16_t* add, uint16_t* y) {
  store_output(m, tiles, channels, add, y, StoreRounded());
}

/// sums += a b over `count` pairs of terms: the pair k of row i is at a[i · row_step + k · term_step], that of a strip
/// at b[strip · strip_step + k · kPair].
struct Steps {
  int64_t row, term, strip;
};
template <int64_t rows, int64_t strips>
HWY_INLINE void add_pairs(const uint16_t* HWY_RESTRICT a, const uint16_t* HWY_RESTRICT b, const Steps& step,
                          int64_t count, __m512 (*sums)[strips]) {
  for (int64_t k = 0; k < count; ++k) {
    __m512i strip[strips];
    for (int64_t s = 0; s < strips; ++s) strip[s] = pairs_at(b + s * step.strip + k * kPair);
    for (int64_t i = 0; i < rows; ++i) {
      const __m512i factor = pair_everywhere(a + i * step.row + k * step.term);
      for (int64_t s = 0; s < strips; ++s) sums[i][s] = add_pair(sums[i][s], factor, strip[s]);
    }
  }
}

template <int64_t rows, int64_t strips>
HWY_INLINE void multiply_block(const uint16_t* v, const uint16_t* u, const Product& size, float* m) {
  __m512 sums[rows][strips];
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t s = 0; s < strips; ++s) sums[i][s] = _mm512_setzero_ps();
  for (int64_t k = 0; k < size.in; k += kStrip)
    add_pairs<rows, strips>(v + k * size.rows, u + k * kStrip, {kStrip, 2, size.in * kStrip}, kStrip / 2, sums);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t s = 0; s < strips; ++s) _mm512_storeu_ps(m + (s * size.rows + i) * kStrip, sums[i][s]);
}

template <int64_t strips>
HWY_INLINE void multiply_strips(const uint16_t* v, const uint16_t* u, const Product& size, float* m) {
  for_rows<12>(size.rows, [&](auto count, int64_t row) {
    multiply_block<count(), strips>(v + row * kStrip, u, size, m + row * kStrip);
  });
}

void multiply_bf16(const uint16_t* v, const uint16_t* u, const Product& size, float* m) {
  const auto [rows, in, out] = size;
  for (int64_t p = 0; p < kPlanes; ++p) {
    const uint16_t* a = v + p * bf16::plane_size(rows, in);
    const uint16_t* b = u + p * bf16::plane_size(in, out);
    float* to = m + p * plane_size(rows, out);
    int64_t c = 0;
    for (; c + 2 * kStrip <= out; c += 2 * kStrip) multiply_strips<2>(a, b + c * in, size, to + c * rows);
    if (c < out) multiply_strips<1>(a, b + c * in, size, to + c * rows);
  }
}

template <int64_t strips>
HWY_INLINE void accumulate_strips(const uint16_t* w, const uint16_t* v, int64_t v_step, int64_t pairs, float* to,
                                  int64_t to_step) {
  constexpr int64_t kRows = 8;
  for (int64_t row = 0; row < kStrip; row += kRows) {
    __m512 sums[kRows][strips];
    for (int64_t i = 0; i < kRows; ++i)
      for (int64_t s = 0; s < strips; ++s) sums[i][s] = _mm512_loadu_ps(to + s * to_step + (row + i) * kStrip);
    add_pairs<kRows, strips>(w + 2 * row, v, {2, kPair, v_step}, pairs, sums);
    for (int64_t i = 0; i < kRows; ++i)
      for (int64_t s = 0; s < strips; ++s) _mm512_storeu_ps(to + s * to_step + (row + i) * kStrip, sums[i][s]);
  }
}

void accumulate_bf16(const uint16_t* w, const uint16_t* v, const Product& size, int64_t plane, float* sum) {
  const auto [rows, in, out] = size;
  constexpr int64_t kTerms = 256;  // of a sum at a time: the strips then stay in the first-level cache
  sum += plane * plane_size(out, in);
  w += plane * bf16::plane_size(rows, out);
  v += plane * bf16::plane_size(rows, in);
  for (int64_t first = 0; first < rows; first += kTerms) {
    const int64_t pairs = std::min(kTerms, rows - first) / 2;
    for (int64_t o = 0; o < out; o += kStrip) {
      const uint16_t* a = w + o * rows + first * kStrip;
      int64_t i = 0;
      const auto at = [&, in = in, out = out, rows = rows](auto strips) {
        accumulate_strips<strips()>(a, v + i * rows + first * kStrip, kStrip * rows, pairs, sum + i * out + o * kStrip,
                                    kStrip * out);
        i += strips() * kStrip;
      };
      while (i + 2 * kStrip <= in) at(std::integral_constant<int64_t, 2>());
      if (i < in) at(std::integral_constant<int64_t, 1>());
    }
  }
}

}  // namespace fewlabel::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
HWY_POP_ATTRIBUTES
#endif  // HWY_AVX3

#if HWY_ONCE
#ifdef FEWLABEL_WINOGRAD_BF16
#define FEWLABEL_CALL(name, ...) N_AVX3::name(__VA_ARGS__)
#else  // a processor of another kind: never called
#define FEWLABEL_CALL(name, ...) (void)0
#endif

namespace fewlabel::winograd::bf16 {

bool available() {
#ifdef FEWLABEL_WINOGRAD_BF16
  static const bool all = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl");
  return all;
#else
  return false;
#endif
}

void transform_filters(const Filters& w, int64_t first, int64_t last, uint16_t* u) {
  FEWLABEL_CALL(filters_bf16, w, first, last, u);
}
void transform_input(const uint16_t* x, const Tiles& tiles, const Slice& slice, uint16_t* v) {
  FEWLABEL_CALL(input_bf16, x, tiles, slice, v);
}
void multiply(const uint16_t* v, const uint16_t* u, const Product& size, float* m) {
  FEWLABEL_CALL(multiply_bf16, v, u, size, m);
}
void transform_output(const float* m, const Tiles& tiles, int64_t channels, const uint16_t* add, uint16_t* y) {
  FEWLABEL_CALL(output_bf16, m, tiles, channels, add, y);
}
void transform_input_in_pairs(const uint16_t* x, const Tiles& tiles, const Slice& slice, uint16_t* v) {
  FEWLABEL_CALL(input_pairs_bf16, x, tiles, slice, v);
}
void transform_gradient(const uint16_t* dy, const Tiles& tiles, const Slice& slice, uint16_t* w) {
  FEWLABEL_CALL(gradient_bf16, dy, tiles, slice, w);
}
void accumulate(const uint16_t* w, const uint16_t* v, const Product& size, int64_t plane, float* sum) {
  FEWLABEL_CALL(accumulate_bf16, w, v, size, plane, sum);
}

}  // namespace fewlabel::winograd::bf16
#endif
