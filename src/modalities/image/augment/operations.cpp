#include "modalities/image/augment/operations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "modalities/image/augment/geometry.h"
#include "modalities/image/augment/pixels.h"

namespace fewlabel::augment {
namespace {

constexpr int kMaxChannels = 4;

constexpr std::array<OperationInfo, 14> kOperations = {{
    {Operation::autocontrast, "autocontrast", nullptr, 0, 0, false, 0, 0},
    {Operation::brightness, "brightness", "factor", 0.95, 0.05, false, 0, 10},
    {Operation::color, "color", "factor", 0.95, 0.05, false, 0, 10},
    {Operation::contrast, "contrast", "factor", 0.95, 0.05, false, 0, 10},
    {Operation::equalize, "equalize", nullptr, 0, 0, false, 0, 0},
    {Operation::identity, "identity", nullptr, 0, 0, false, 0, 0},
    {Operation::posterize, "posterize", "bits", 8, 4, false, 1, 8},
    {Operation::rotate, "rotate", "degrees", 0, 30, true, 0, 180},
    {Operation::sharpness, "sharpness", "factor", 0.95, 0.05, false, 0, 10},
    {Operation::shear_x, "shear_x", "slope", 0, 0.3, true, 0, 1},
    {Operation::shear_y, "shear_y", "slope", 0, 0.3, true, 0, 1},
    {Operation::solarize, "solarize", "threshold", 256, 0, false, 0, 256},
    {Operation::translate_x, "translate_x", "fraction", 0, 0.3, true, 0, 1},
    {Operation::translate_y, "translate_y", "fraction", 0, 0.3, true, 0, 1},
}};

/// Pixels of a colour image as luma; of another one the pixels themselves.
const uint8_t* grey_of(const Canvas& canvas) {
  const ImageShape& shape = canvas.shape();
  if (shape.channels != 3) return canvas.pixels();
  const int64_t pixels = int64_t{shape.height} * shape.width;
  uint8_t* grey = scratch(1, pixels);
  luma(canvas.pixels(), grey, pixels);
  return grey;
}

void blend_with_constant(Canvas& canvas, double base, double factor) {
  uint8_t* out = canvas.target();
  blend_constant(canvas.pixels(), out, canvas.shape().bytes(), static_cast<float>(base), static_cast<float>(factor));
  canvas.show(out);
}

void contrast(Canvas& canvas, double factor) {
  const ImageShape& shape = canvas.shape();
  const int64_t values = shape.channels == 3 ? int64_t{shape.height} * shape.width : shape.bytes();
  const double mean = static_cast<double>(sum(grey_of(canvas), values)) / static_cast<double>(values);
  blend_with_constant(canvas, std::floor(mean + 0.5), factor);
}

void color(Canvas& canvas, double factor) {
  if (canvas.shape().channels != 3) return;
  const uint8_t* grey = grey_of(canvas);
  uint8_t* out = canvas.target();
  const int64_t pixels = int64_t{canvas.shape().height} * canvas.shape().width;
  blend_grey(grey, canvas.pixels(), out, pixels, static_cast<float>(factor));
  canvas.show(out);
}

void sharpness(Canvas& canvas, double factor) {
  const ImageShape& shape = canvas.shape();
  if (shape.width < 3 || shape.height < 3) return;
  uint8_t* smoothed = scratch(1, shape.bytes());
  smooth(canvas.pixels(), smoothed, shape.height, canvas.row_bytes(), shape.channels);
  uint8_t* out = canvas.target();
  blend_image(smoothed, canvas.pixels(), out, shape.bytes(), static_cast<float>(factor));
  canvas.show(out);
}

void apply_tables(Canvas& canvas, const Table* tables) {
  const ImageShape& shape = canvas.shape();
  uint8_t* out = canvas.target();
  look_up(canvas.pixels(), out, int64_t{shape.height} * shape.width, shape.channels, tables);
  canvas.show(out);
}

Table identity_table() {
  Table table;
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<uint8_t>(i);
  return table;
}

/// Stretches each channel to 0 … 255.
void autocontrast(Canvas& canvas) {
  const ImageShape& shape = canvas.shape();
  if (shape.channels > kMaxChannels) return;
  uint8_t low[kMaxChannels], high[kMaxChannels];
  extremes(canvas.pixels(), int64_t{shape.height} * shape.width, shape.channels, low, high);
  std::array<Table, kMaxChannels> tables;
  bool changed = false;
  for (int c = 0; c < shape.channels; ++c) {
    Table& table = tables[static_cast<std::size_t>(c)];
    if (high[c] <= low[c] || (low[c] == 0 && high[c] == 255)) {
      table = identity_table();
      continue;
    }
    changed = true;
    stretch(table, low[c], high[c]);
  }
  if (changed) apply_tables(canvas, tables.data());
}

/// Makes each channel's values as evenly spread as they can be.
void equalize(Canvas& canvas) {
  const ImageShape& shape = canvas.shape();
  if (shape.channels > kMaxChannels) return;
  std::array<uint32_t, 256 * kMaxChannels> counts;
  histograms(canvas.pixels(), int64_t{shape.height} * shape.width, shape.channels, counts.data());
  std::array<Table, kMaxChannels> tables;
  for (int c = 0; c < shape.channels; ++c) {
    Table& table = tables[static_cast<std::size_t>(c)];
    const uint32_t* count = counts.data() + 256 * c;
    int last = 255;
    while (last > 0 && count[last] == 0) --last;
    const uint32_t step = (static_cast<uint32_t>(int64_t{shape.height} * shape.width) - count[last]) / 255;
    if (step == 0) {  // one value only, or too few pixels to spread
      table = identity_table();
      continue;
    }
    std::array<uint32_t, 256> before;
    uint32_t total = step / 2;
    for (std::size_t i = 0; i < before.size(); ++i) {
      before[i] = total;
      total += count[i];
    }
    spread(table, before.data(), step);
  }
  apply_tables(canvas, tables.data());
}

void posterize(Canvas& canvas, double bits) {
  const int kept = std::clamp(static_cast<int>(bits), 1, 8);
  if (kept == 8) return;
  uint8_t* out = canvas.target();
  mask_bits(canvas.pixels(), out, canvas.shape().bytes(), static_cast<uint8_t>(0xff << (8 - kept)));
  canvas.show(out);
}

void solarize(Canvas& canvas, double threshold) {
  uint8_t* out = canvas.target();
  solarize_from(canvas.pixels(), out, canvas.shape().bytes(), static_cast<int>(std::ceil(threshold)));
  canvas.show(out);
}

int64_t pixels_of(double fraction, int64_t side) {
  return static_cast<int64_t>(std::floor(fraction * static_cast<double>(side) + 0.5));
}

}  // namespace

uint8_t* scratch(int purpose, int64_t bytes) {
  // Elements of 64 bits, so that larger types may live here.
  thread_local std::array<std::vector<int64_t>, 4> memory;
  auto& buffer = memory[static_cast<std::size_t>(purpose)];
  const auto words = static_cast<std::size_t>((bytes + 7) / 8);
  if (buffer.size() < words) buffer.resize(words);
  return reinterpret_cast<uint8_t*>(buffer.data());
}

std::span<const OperationInfo> operations() { return kOperations; }

void apply_operation(Canvas& canvas, Operation operation, double value) {
  switch (operation) {
    case Operation::autocontrast:
      return autocontrast(canvas);
    case Operation::brightness:
      return blend_with_constant(canvas, 0, value);
    case Operation::color:
      return color(canvas, value);
    case Operation::contrast:
      return contrast(canvas, value);
    case Operation::equalize:
      return equalize(canvas);
    case Operation::identity:
      return;
    case Operation::posterize:
      return posterize(canvas, value);
    case Operation::rotate:
      return rotate(canvas, value);
    case Operation::sharpness:
      return sharpness(canvas, value);
    case Operation::shear_x:
      return shear_x(canvas, value);
    case Operation::shear_y:
      return shear_y(canvas, value);
    case Operation::solarize:
      return solarize(canvas, value);
    case Operation::translate_x:
      return shift(canvas, pixels_of(value, canvas.shape().width), 0, Pad::zero);
    case Operation::translate_y:
      return shift(canvas, 0, pixels_of(value, canvas.shape().height), Pad::zero);
  }
}

void to_grey(Canvas& canvas) {
  if (canvas.shape().channels != 3) return;
  const uint8_t* grey = grey_of(canvas);
  uint8_t* out = canvas.target();
  const int64_t pixels = int64_t{canvas.shape().height} * canvas.shape().width;
  for (int64_t i = 0; i < pixels; ++i) out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = grey[i];
  canvas.show(out);
}

}  // namespace fewlabel::augment
