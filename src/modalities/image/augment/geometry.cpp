#include "modalities/image/augment/geometry.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "modalities/image/augment/multiversion.h"
#include "modalities/image/augment/pixels.h"

namespace fewlabel::augment {
namespace {

/// 16.16 fixed point in 64 bits: exact on every machine, and no image is too large.
int64_t fixed(double value) { return static_cast<int64_t>(std::floor(value * 65536.0 + 0.5)); }

int64_t ceil_div(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

/// Narrows [first, last) to the x for which 0 <= (start + step · x) >> 16 < size.
void clip(int64_t start, int64_t step, int64_t size, int64_t& first, int64_t& last) {
  const int64_t end = size << 16;
  if (step == 0) {
    if (start < 0 || start >= end) last = first;
    return;
  }
  if (step < 0) {  // mirrored: start + step·x >= 0 and < end
    first = std::max(first, ceil_div(start - end + 1, -step));
    last = std::min(last, start < 0 ? int64_t{0} : start / -step + 1);
  } else {
    first = std::max(first, ceil_div(-start, step));
    last = std::min(last, ceil_div(end - start, step));
  }
  last = std::max(first, last);
}

struct Source {
  const uint8_t* pixels;
  int64_t row_bytes;
};
/// Fixed-point position in the source of one output row's first pixel, and its change a pixel.
struct Walk {
  int64_t x, y, dx, dy;
};

template <int kChannels>
void gather(const Source& source, Walk walk, uint8_t* out, int64_t count, int channels) {
  const int64_t size = kChannels > 0 ? kChannels : channels;
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* from = source.pixels + (walk.y >> 16) * source.row_bytes + (walk.x >> 16) * size;
    std::memcpy(out + i * size, from, static_cast<std::size_t>(size));
    walk.x += walk.dx;
    walk.y += walk.dy;
  }
}

/// Index inside [0, size) that `index` stands for, or −1.
int64_t padded(int64_t index, int64_t size, Pad pad) {
  if (index >= 0 && index < size) return index;
  if (pad == Pad::zero) return -1;
  if (pad == Pad::edge || size == 1) return std::clamp<int64_t>(index, 0, size - 1);
  const int64_t period = 2 * (size - 1);  // the edge itself is not repeated
  const int64_t folded = ((index % period) + period) % period;
  return folded < size ? folded : period - folded;
}

struct RowShift {
  int64_t dx = 0;
  Pad pad = Pad::zero;
};

void shift_row(const uint8_t* in, uint8_t* out, const ImageShape& shape, RowShift by) {
  const int64_t width = shape.width, channels = shape.channels;
  const int64_t first = std::clamp<int64_t>(-by.dx, 0, width), last = std::clamp<int64_t>(width - by.dx, first, width);
  std::memcpy(out + first * channels, in + (first + by.dx) * channels * (last > first),
              static_cast<std::size_t>((last - first) * channels));
  const auto outside = [&](int64_t begin, int64_t end) {
    if (by.pad == Pad::zero) {
      std::memset(out + begin * channels, 0, static_cast<std::size_t>((end - begin) * channels));
      return;
    }
    for (int64_t x = begin; x < end; ++x) {
      const uint8_t* from = in + padded(x + by.dx, width, by.pad) * channels;
      for (int64_t c = 0; c < channels; ++c) out[x * channels + c] = from[c];
    }
  };
  outside(0, first);
  outside(last, width);
}

}  // namespace

void flip(Canvas& canvas) {
  const ImageShape& shape = canvas.shape();
  uint8_t* out = canvas.spare();
  const int64_t bytes = canvas.row_bytes();
  for (int64_t y = 0; y < shape.height; ++y) {
    flip_row(canvas.pixels() + y * bytes, out + y * bytes, shape.width, shape.channels);
  }
  canvas.show(out);
}

void shift(Canvas& canvas, int64_t dx, int64_t dy, Pad pad) {
  if (dx == 0 && dy == 0) return;
  const ImageShape& shape = canvas.shape();
  uint8_t* out = canvas.spare();
  const int64_t bytes = canvas.row_bytes();
  for (int64_t y = 0; y < shape.height; ++y) {
    const int64_t from = padded(y + dy, shape.height, pad);
    if (from < 0) {
      std::memset(out + y * bytes, 0, static_cast<std::size_t>(bytes));
    } else {
      shift_row(canvas.pixels() + from * bytes, out + y * bytes, shape, {dx, pad});
    }
  }
  canvas.show(out);
}

void shear_x(Canvas& canvas, double amount) {
  const ImageShape& shape = canvas.shape();
  uint8_t* out = canvas.spare();
  const int64_t bytes = canvas.row_bytes(), step = fixed(amount);
  int64_t start = fixed(0.5 + 0.5 * amount);
  for (int64_t y = 0; y < shape.height; ++y, start += step) {
    shift_row(canvas.pixels() + y * bytes, out + y * bytes, shape, {start >> 16, Pad::zero});
  }
  canvas.show(out);
}

void shear_y(Canvas& canvas, double amount) { affine(canvas, {1, 0, 0, amount, 1, 0}); }

void rotate(Canvas& canvas, double degrees) {
  const double angle = -degrees * std::numbers::pi / 180.0;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double cx = canvas.shape().width / 2.0, cy = canvas.shape().height / 2.0;
  affine(canvas, {cosine, sine, cx - cosine * cx - sine * cy, -sine, cosine, cy + sine * cx - cosine * cy});
}

void affine(Canvas& canvas, const Affine& m) {
  const ImageShape& shape = canvas.shape();
  const int64_t width = shape.width, bytes = canvas.row_bytes();
  uint8_t* out = canvas.spare();
  const Source source{canvas.pixels(), bytes};
  Walk walk{fixed(m[2] + 0.5 * m[0] + 0.5 * m[1]), fixed(m[5] + 0.5 * m[3] + 0.5 * m[4]), fixed(m[0]), fixed(m[3])};
  const int64_t row_x = fixed(m[1]), row_y = fixed(m[4]);
  for (int64_t y = 0; y < shape.height; ++y, walk.x += row_x, walk.y += row_y) {
    int64_t first = 0, last = width;
    clip(walk.x, walk.dx, width, first, last);
    clip(walk.y, walk.dy, shape.height, first, last);
    first = std::min(first, width);
    last = std::clamp(last, first, width);
    uint8_t* row = out + y * bytes;
    std::memset(row, 0, static_cast<std::size_t>(first * shape.channels));
    std::memset(row + last * shape.channels, 0, static_cast<std::size_t>((width - last) * shape.channels));
    const Walk begin{walk.x + first * walk.dx, walk.y + first * walk.dy, walk.dx, walk.dy};
    uint8_t* to = row + first * shape.channels;
    switch (shape.channels) {
      case 1:
        gather<1>(source, begin, to, last - first, 1);
        break;
      case 3:
        gather<3>(source, begin, to, last - first, 3);
        break;
      default:
        gather<0>(source, begin, to, last - first, shape.channels);
    }
  }
  canvas.show(out);
}

void fill(Canvas& canvas, const Box& box, uint8_t value) {
  const ImageShape& shape = canvas.shape();
  const int64_t left = std::clamp<int64_t>(box.x, 0, shape.width), top = std::clamp<int64_t>(box.y, 0, shape.height);
  const int64_t right = std::clamp<int64_t>(box.x + box.width, left, shape.width);
  const int64_t bottom = std::clamp<int64_t>(box.y + box.height, top, shape.height);
  uint8_t* out = canvas.target();
  if (out != canvas.pixels()) std::memcpy(out, canvas.pixels(), static_cast<std::size_t>(shape.bytes()));
  for (int64_t y = top; y < bottom; ++y) {
    std::memset(out + y * canvas.row_bytes() + left * shape.channels, value,
                static_cast<std::size_t>((right - left) * shape.channels));
  }
  canvas.show(out);
}

void enlarge(Canvas& canvas, const Box& box) {
  const ImageShape& shape = canvas.shape();
  const int64_t channels = shape.channels, bytes = canvas.row_bytes();
  // Both neighbours and the second one's weight (of 256) along one axis; half-pixel centres, edges repeated.
  struct Tap {
    int64_t near, far;
    int weight;
  };
  const auto tap = [](int64_t position, int64_t from, int64_t size, int64_t target_size) {
    const int64_t at = ((2 * position + 1) * size * 256 / target_size - 256) / 2;  // 24.8 fixed point, from the box
    const int64_t whole = at < 0 ? 0 : at >> 8;
    return Tap{from + whole, from + std::min(whole + 1, size - 1), at < 0 ? 0 : static_cast<int>(at & 255)};
  };
  auto* columns = reinterpret_cast<Tap*>(scratch(2, shape.width * static_cast<int64_t>(sizeof(Tap))));
  for (int64_t x = 0; x < shape.width; ++x) columns[x] = tap(x, box.x, box.width, shape.width);
  uint8_t* out = canvas.spare();
  for (int64_t y = 0; y < shape.height; ++y) {
    const Tap row = tap(y, box.y, box.height, shape.height);
    const uint8_t *upper = canvas.pixels() + row.near * bytes, *lower = canvas.pixels() + row.far * bytes;
    for (int64_t x = 0; x < shape.width; ++x) {
      const Tap& column = columns[x];
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t a = column.near * channels + c, b = column.far * channels + c;
        const int top = upper[a] * (256 - column.weight) + upper[b] * column.weight;
        const int bottom = lower[a] * (256 - column.weight) + lower[b] * column.weight;
        out[y * bytes + x * channels + c] =
            static_cast<uint8_t>((top * (256 - row.weight) + bottom * row.weight + (1 << 15)) >> 16);
      }
    }
  }
  canvas.show(out);
}

}  // namespace fewlabel::augment
