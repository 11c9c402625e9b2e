// 3 × 3 convolution without padding, ReLU and 2 × 2 max pooling in one pass, for images of few channels: the map
// between them, 32 times the size of the image, never reaches memory. fp32. No libtorch, no allocation, no threads.
#pragma once
#include <cstdint>

namespace fewlabel::pooled {

inline constexpr int64_t kStrip = 16;  // `out` is a multiple of it

struct Shape {
  int64_t height, width, in, out;
  int64_t down() const { return (height - 2) / 2; }
  int64_t across() const { return (width - 2) / 2; }
  int64_t pixels() const { return height * width * in; }       // of an image
  int64_t results() const { return down() * across() * out; }  // of an image
  int64_t taps() const { return 9 * in; }
};

/// y, out × down × across, from x, height × width × in, of `images` images. filters: taps (row, column, input) × out.
/// winner, down × across × out: which of the four places was taken, 4 where all were below zero; may be null.
/// row: scratch of across × out floats.
struct Forward {
  const float *x, *filters, *bias;
  float *y, *row;
  uint8_t* winner;
};
void forward(const Forward& at, const Shape& shape, int64_t images);

/// dfilters, taps × out, and dbias, out, both added to.
struct Backward {
  const float *x, *dy;
  const uint8_t* winner;
  float *dfilters, *dbias, *row;
};
void backward(const Backward& at, const Shape& shape, int64_t images);

}  // namespace fewlabel::pooled
