// Inner loops over packed 8-bit pixels (H × W × C). Elementwise functions allow `out` to be `in`. Built for several
// instruction sets; all of them give the same bytes: integers, or single IEEE operations that are never contracted.
#pragma once
#include <array>
#include <cstdint>

namespace fewlabel::augment {

using Table = std::array<uint8_t, 256>;

/// base + factor · (in − base), cut to 0 … 255 and truncated: PIL's ImageEnhance with a constant image.
void blend_constant(const uint8_t* in, uint8_t* out, int64_t bytes, float base, float factor);
/// The same with an image `base` of the same size.
void blend_image(const uint8_t* base, const uint8_t* in, uint8_t* out, int64_t bytes, float factor);
/// The same with `base` one grey value a pixel of three channels.
void blend_grey(const uint8_t* grey, const uint8_t* in, uint8_t* out, int64_t pixels, float factor);

void mask_bits(const uint8_t* in, uint8_t* out, int64_t bytes, uint8_t mask);
/// Inverts every value that is at least `threshold` (0 … 256).
void solarize_from(const uint8_t* in, uint8_t* out, int64_t bytes, int threshold);
/// out = tables[channel][in], one table a channel.
void look_up(const uint8_t* in, uint8_t* out, int64_t pixels, int channels, const Table* tables);

/// ITU-R 601 luma of RGB pixels, rounded as PIL's convert("L").
void luma(const uint8_t* rgb, uint8_t* grey, int64_t pixels);
int64_t sum(const uint8_t* in, int64_t bytes);
/// Least and greatest value of each channel.
void extremes(const uint8_t* in, int64_t pixels, int channels, uint8_t* low, uint8_t* high);
/// counts[channel * 256 + value].
void histograms(const uint8_t* in, int64_t pixels, int channels, uint32_t* counts);

/// PIL's ImageFilter.SMOOTH (3×3, centre 5, sum 13) of at least 3×3 pixels, `row` bytes a row; the edge is copied.
void smooth(const uint8_t* in, uint8_t* out, int64_t height, int64_t row, int channels);

/// sums += weight · (first + second); and out = sums / 2^16.
void add_pair(int32_t* sums, const uint8_t* first, const uint8_t* second, int64_t count, int32_t weight);
void take_high(const int32_t* sums, uint8_t* out, int64_t count);

/// The table that takes low … high to 0 … 255, rounded as PIL's autocontrast; other entries mean nothing.
void stretch(Table& table, int low, int high);
/// table[v] = before[v] / step, at most 255.
void spread(Table& table, const uint32_t* before, uint32_t step);

/// Mirrors one row.
void flip_row(const uint8_t* in, uint8_t* out, int64_t width, int channels);

}  // namespace fewlabel::augment
