#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "fewlabel/error.h"
#include "fewlabel/image.h"

namespace fewlabel {
namespace {

/// Output i is the sum of weight[k] · input[first + k]; weights sum to 1.
struct Tap {
  int32_t first = 0;
  std::vector<float> weight;
};

/// `out` samples over [start, start + length) of `size` input samples: the overlap with each output cell when
/// shrinking, the two nearest when growing.
std::vector<Tap> make_taps(int32_t size, double start, double length, int32_t out) {
  const double scale = length / out;
  std::vector<Tap> taps(static_cast<std::size_t>(out));
  for (int32_t i = 0; i < out; ++i) {
    Tap& tap = taps[static_cast<std::size_t>(i)];
    if (scale > 1) {
      const double low = start + i * scale, high = low + scale;
      tap.first = std::clamp(static_cast<int32_t>(std::floor(low)), 0, size - 1);
      const int32_t last = std::clamp(static_cast<int32_t>(std::ceil(high)) - 1, tap.first, size - 1);
      double sum = 0;
      for (int32_t k = tap.first; k <= last; ++k) {
        const double part = std::max(0.0, std::min<double>(high, k + 1) - std::max<double>(low, k));
        tap.weight.push_back(static_cast<float>(part));
        sum += part;
      }
      for (float& w : tap.weight) w = static_cast<float>(w / sum);
    } else {
      const double center = std::clamp(start + (i + 0.5) * scale - 0.5, 0.0, size - 1.0);
      tap.first = std::min(static_cast<int32_t>(center), size - 1);
      const auto right = static_cast<float>(center - tap.first);
      if (right == 0 || tap.first == size - 1)
        tap.weight = {1.0f};
      else
        tap.weight = {1.0f - right, right};
    }
  }
  return taps;
}

uint8_t to_byte(float value) { return static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f)); }

void write_pixel(const float* in, int32_t in_channels, int32_t out_channels, uint8_t* out) {
  if (in_channels == out_channels) {
    for (int32_t c = 0; c < out_channels; ++c) out[c] = to_byte(in[c]);
  } else if (out_channels == 1) {
    out[0] = to_byte(0.299f * in[0] + 0.587f * in[1] + 0.114f * in[2]);  // ITU-R BT.601 luma
  } else {
    out[0] = out[1] = out[2] = to_byte(in[0]);
  }
}

}  // namespace

void resize_into(const Image& image, const ImageShape& shape, uint8_t* out) {
  const ImageShape from{image.height, image.width, image.channels};
  const auto usable = [](int32_t channels) { return channels == 1 || channels == 3; };
  if (shape.height < 1 || shape.width < 1 || !usable(shape.channels) || from.height < 1 || from.width < 1 ||
      !usable(from.channels) || static_cast<int64_t>(image.pixels.size()) != from.bytes())
    throw Error(ErrorKind::failure, "resize", "images need 1 or 3 channels and height × width × channels bytes");
  if (from == shape) {
    std::memcpy(out, image.pixels.data(), image.pixels.size());
    return;
  }
  // The largest central part with the wanted aspect ratio.
  const double scale =
      std::min(from.width / static_cast<double>(shape.width), from.height / static_cast<double>(shape.height));
  const double width = scale * shape.width, height = scale * shape.height;
  const auto columns = make_taps(from.width, (from.width - width) / 2, width, shape.width);
  const auto rows = make_taps(from.height, (from.height - height) / 2, height, shape.height);

  const int32_t left = columns.front().first;
  const int32_t right = columns.back().first + static_cast<int32_t>(columns.back().weight.size());
  const auto channels = static_cast<std::size_t>(from.channels);
  const std::size_t used = static_cast<std::size_t>(right - left) * channels;
  std::vector<float> line(used);
  for (const Tap& row : rows) {
    std::fill(line.begin(), line.end(), 0.0f);
    for (std::size_t k = 0; k < row.weight.size(); ++k) {
      const std::size_t y = static_cast<std::size_t>(row.first) + k;
      const uint8_t* in =
          image.pixels.data() + (y * static_cast<std::size_t>(from.width) + static_cast<std::size_t>(left)) * channels;
      const float weight = row.weight[k];
      for (std::size_t i = 0; i < used; ++i) line[i] += weight * static_cast<float>(in[i]);
    }
    for (const Tap& column : columns) {
      std::array<float, 3> pixel{};
      const float* in = line.data() + static_cast<std::size_t>(column.first - left) * channels;
      for (const float weight : column.weight)
        for (std::size_t c = 0; c < channels; ++c) pixel[c] += weight * *in++;
      write_pixel(pixel.data(), from.channels, shape.channels, out);
      out += shape.channels;
    }
  }
}

}  // namespace fewlabel
