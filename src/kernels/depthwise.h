// Depthwise convolution, each channel with a filter of its own, of channels-last maps in fp32: k = 3 or 5 and
// stride 1 or 2, or k = 7 and stride 1; any zeros around the map, at least 16 channels. No libtorch, no allocation, no
// threads: the caller cuts the work into rows of results.
#pragma once
#include <cstdint>

namespace fewlabel::depthwise {

inline constexpr int64_t kStrip = 16;

struct Shape {
  int64_t channels, height, width;
  int64_t down, across;  // of the results
  int64_t kernel, stride;
  int64_t top, left;  // zeros before the first row and column
};

/// y ← min(max(x * filters + shift, low), high); NaN stays NaN. x: images × height × width × channels; filters: k² ×
/// channels; shift may be null.
struct Forward {
  const float *x, *filters, *shift;
  float low, high;
  float* y;
};
/// The rows [first, last) of the results, counted through all images.
void forward(const Forward& at, const Shape& shape, int64_t first, int64_t last);

/// dfilters, k² × channels, ← what these rows of dy add to the gradient of the filters.
struct Backward {
  const float *x, *dy;
  float* dfilters;
};
void backward(const Backward& at, const Shape& shape, int64_t first, int64_t last);

/// dx ← the gradient of x where the stride is 2; that of stride 1 is forward() of dy with the filters turned by 180°.
struct Spread {
  const float *dy, *filters;
  float* dx;
};
/// The rows [first, last) of x, counted through all images.
void spread(const Spread& at, const Shape& shape, int64_t first, int64_t last);

}  // namespace fewlabel::depthwise
