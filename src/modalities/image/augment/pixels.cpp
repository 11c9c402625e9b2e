#include "modalities/image/augment/pixels.h"

#include <algorithm>
#include <cstring>

#include "modalities/image/augment/multiversion.h"

// `GCC ivdep`: out may be in itself, never a shifted copy, which the compiler's own overlap check would call
// overlapping.

namespace fewlabel::augment {
namespace {

constexpr int kLumaRed = 19595, kLumaGreen = 38470, kLumaBlue = 7471, kLumaHalf = 1 << 15;

inline uint8_t blend(float base, float value, float factor) {
  const float mixed = base + factor * (value - base);
  return static_cast<uint8_t>(static_cast<int>(std::min(std::max(mixed, 0.0f), 255.0f)));
}

}  // namespace

FEWLABEL_MULTIVERSION
void blend_constant(const uint8_t* in, uint8_t* out, int64_t bytes, float base, float factor) {
#pragma GCC ivdep
  for (int64_t i = 0; i < bytes; ++i) out[i] = blend(base, static_cast<float>(in[i]), factor);
}

FEWLABEL_MULTIVERSION
void blend_image(const uint8_t* base, const uint8_t* in, uint8_t* out, int64_t bytes, float factor) {
#pragma GCC ivdep
  for (int64_t i = 0; i < bytes; ++i) {
    out[i] = blend(static_cast<float>(base[i]), static_cast<float>(in[i]), factor);
  }
}

FEWLABEL_MULTIVERSION
void blend_grey(const uint8_t* grey, const uint8_t* in, uint8_t* out, int64_t pixels, float factor) {
#pragma GCC ivdep
  for (int64_t i = 0; i < pixels; ++i) {
    const float base = static_cast<float>(grey[i]);
    out[3 * i] = blend(base, static_cast<float>(in[3 * i]), factor);
    out[3 * i + 1] = blend(base, static_cast<float>(in[3 * i + 1]), factor);
    out[3 * i + 2] = blend(base, static_cast<float>(in[3 * i + 2]), factor);
  }
}

FEWLABEL_MULTIVERSION
void mask_bits(const uint8_t* in, uint8_t* out, int64_t bytes, uint8_t mask) {
#pragma GCC ivdep
  for (int64_t i = 0; i < bytes; ++i) out[i] = in[i] & mask;
}

FEWLABEL_MULTIVERSION
void solarize_from(const uint8_t* in, uint8_t* out, int64_t bytes, int threshold) {
  if (threshold > 255) {
    if (in != out) std::memcpy(out, in, static_cast<std::size_t>(bytes));
    return;
  }
  const auto least = static_cast<uint8_t>(threshold);
#pragma GCC ivdep
  for (int64_t i = 0; i < bytes; ++i) out[i] = in[i] < least ? in[i] : static_cast<uint8_t>(255 - in[i]);
}

void look_up(const uint8_t* in, uint8_t* out, int64_t pixels, int channels, const Table* tables) {
  if (channels == 3) {
    for (int64_t i = 0; i < pixels; ++i) {
      out[3 * i] = tables[0][in[3 * i]];
      out[3 * i + 1] = tables[1][in[3 * i + 1]];
      out[3 * i + 2] = tables[2][in[3 * i + 2]];
    }
    return;
  }
  for (int64_t i = 0; i < pixels; ++i) {
    for (int c = 0; c < channels; ++c) out[i * channels + c] = tables[c][in[i * channels + c]];
  }
}

FEWLABEL_MULTIVERSION
void luma(const uint8_t* rgb, uint8_t* grey, int64_t pixels) {
  for (int64_t i = 0; i < pixels; ++i) {
    const int weighted = rgb[3 * i] * kLumaRed + rgb[3 * i + 1] * kLumaGreen + rgb[3 * i + 2] * kLumaBlue;
    grey[i] = static_cast<uint8_t>((weighted + kLumaHalf) >> 16);
  }
}

FEWLABEL_MULTIVERSION
int64_t sum(const uint8_t* in, int64_t bytes) {
  int64_t total = 0;
  for (int64_t start = 0; start < bytes; start += 65536) {  // 65,536 × 255 fits 32 bits, which vectorise better
    const int64_t end = std::min(bytes, start + 65536);
    uint32_t part = 0;
    for (int64_t i = start; i < end; ++i) part += in[i];
    total += part;
  }
  return total;
}

FEWLABEL_MULTIVERSION
void extremes(const uint8_t* in, int64_t pixels, int channels, uint8_t* low, uint8_t* high) {
  constexpr int kBlock = 48;  // whole pixels of one to four channels, and three vectors
  using Bytes = uint8_t __attribute__((vector_size(16)));
  Bytes lows[3], highs[3];
  std::memset(lows, 255, sizeof lows);
  std::memset(highs, 0, sizeof highs);
  const int64_t bytes = pixels * channels;
  int64_t start = 0;
  for (; kBlock % channels == 0 && start + kBlock <= bytes; start += kBlock) {
    Bytes block[3];
    std::memcpy(block, in + start, sizeof block);
    for (int v = 0; v < 3; ++v) {
      lows[v] = block[v] < lows[v] ? block[v] : lows[v];
      highs[v] = block[v] > highs[v] ? block[v] : highs[v];
    }
  }
  std::fill_n(low, channels, uint8_t{255});
  std::fill_n(high, channels, uint8_t{0});
  for (int i = 0; start > 0 && i < kBlock; ++i) {
    low[i % channels] = std::min(low[i % channels], lows[i / 16][i % 16]);
    high[i % channels] = std::max(high[i % channels], highs[i / 16][i % 16]);
  }
  for (; start < bytes; start += channels) {
    for (int c = 0; c < channels; ++c) {
      low[c] = std::min(low[c], in[start + c]);
      high[c] = std::max(high[c], in[start + c]);
    }
  }
}

void histograms(const uint8_t* in, int64_t pixels, int channels, uint32_t* counts) {
  std::fill_n(counts, 256 * channels, 0u);
  if (channels == 3) {
    for (int64_t i = 0; i < pixels; ++i) {
      ++counts[in[3 * i]];
      ++counts[256 + in[3 * i + 1]];
      ++counts[512 + in[3 * i + 2]];
    }
    return;
  }
  for (int64_t i = 0; i < pixels; ++i) {
    for (int c = 0; c < channels; ++c) ++counts[256 * c + in[i * channels + c]];
  }
}

FEWLABEL_MULTIVERSION
void smooth(const uint8_t* __restrict in, uint8_t* __restrict out, int64_t height, int64_t row, int channels) {
  const auto edge = static_cast<std::size_t>(channels);
  std::memcpy(out, in, static_cast<std::size_t>(row));
  std::memcpy(out + (height - 1) * row, in + (height - 1) * row, static_cast<std::size_t>(row));
  // One loop over all inner rows, which lie one after the other; what it makes of their ends is replaced below.
  const int64_t last = (height - 1) * row - channels;
  for (int64_t i = row + channels; i < last; ++i) {
    const auto across = [&](int64_t at) {
      return static_cast<uint16_t>(uint16_t{in[at - channels]} + uint16_t{in[at]} + uint16_t{in[at + channels]});
    };
    const auto total = static_cast<uint16_t>(across(i - row) + across(i) + across(i + row) + 4 * in[i]);
    // Rounded to nearest; 2 · total is even and 13 is odd, so that there are no ties.
    out[i] = static_cast<uint8_t>(static_cast<uint16_t>(2 * total + 13) / 26);
  }
  for (int64_t y = 1; y + 1 < height; ++y) {
    std::memcpy(out + y * row, in + y * row, edge);
    std::memcpy(out + (y + 1) * row - channels, in + (y + 1) * row - channels, edge);
  }
}

FEWLABEL_MULTIVERSION
void add_pair(int32_t* __restrict sums, const uint8_t* first, const uint8_t* second, int64_t count, int32_t weight) {
  for (int64_t i = 0; i < count; ++i) sums[i] += weight * (first[i] + second[i]);
}

FEWLABEL_MULTIVERSION
void take_high(const int32_t* __restrict sums, uint8_t* __restrict out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(sums[i] >> 16);
}

FEWLABEL_MULTIVERSION
void stretch(Table& table, int low, int high) {
  // The reference's own rounding, which is not the exact quotient's.
  const double scale = 255.0 / (high - low), offset = -static_cast<double>(low) * scale;
  for (int i = 0; i < 256; ++i)
    table[static_cast<std::size_t>(i)] = static_cast<uint8_t>(static_cast<int>(i * scale + offset));
}

FEWLABEL_MULTIVERSION
void spread(Table& table, const uint32_t* before, uint32_t step) {
  const double inverse = 1.0 / step;  // with the half added, the quotient is never near an integer: floor is exact
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double quotient = (static_cast<double>(static_cast<int32_t>(before[i])) + 0.5) * inverse;
    table[i] = static_cast<uint8_t>(static_cast<int>(std::min(quotient, 255.0)));
  }
}

#if defined(__x86_64__) && defined(__GNUC__)
#define FEWLABEL_HAS_SHUFFLE 1
namespace {
using Bytes16 = uint8_t __attribute__((vector_size(16)));
}
#endif

FEWLABEL_MULTIVERSION
void flip_row(const uint8_t* in, uint8_t* out, int64_t width, int channels) {
  int64_t x = 0;
#ifdef FEWLABEL_HAS_SHUFFLE
  // Sixteen bytes hold a byte of the pixel before and five RGB pixels; the next store overwrites the odd byte.
  if (channels == 3) {
    constexpr Bytes16 kReverse = {13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0};
    for (; x + 6 <= width; x += 5) {
      Bytes16 five;
      std::memcpy(&five, in + (width - x - 5) * 3 - 1, 16);
      five = __builtin_shuffle(five, kReverse);
      std::memcpy(out + x * 3, &five, 16);
    }
  } else if (channels == 1) {
    constexpr Bytes16 kReverse = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    for (; x + 16 <= width; x += 16) {
      Bytes16 block;
      std::memcpy(&block, in + width - x - 16, 16);
      block = __builtin_shuffle(block, kReverse);
      std::memcpy(out + x, &block, 16);
    }
  }
#endif
  for (; x < width; ++x) {
    for (int c = 0; c < channels; ++c) out[x * channels + c] = in[(width - 1 - x) * channels + c];
  }
}

}  // namespace fewlabel::augment
