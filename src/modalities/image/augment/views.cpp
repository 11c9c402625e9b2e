#include "modalities/image/augment/views.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "modalities/image/augment/geometry.h"
#include "modalities/image/augment/operations.h"
#include "modalities/image/augment/pixels.h"

namespace fewlabel::augment {
namespace {

constexpr Range kProbability{0, 1};

class ResizedCrop final : public Step {
 public:
  explicit ResizedCrop(Arguments& arguments)
      : scale_(arguments.range("scale", {0.08, 1}, {0.001, 1})),
        ratio_(arguments.range("ratio", {3.0 / 4, 4.0 / 3}, {0.01, 100})) {}

  void apply(Canvas& canvas, Random& random) const override {
    constexpr int kTries = 10;  // as in torchvision; then the whole image
    const int64_t width = canvas.shape().width, height = canvas.shape().height;
    for (int i = 0; i < kTries; ++i) {
      const double area = scale_.draw(random) * static_cast<double>(width * height);
      const double ratio = std::exp(Range{std::log(ratio_.low), std::log(ratio_.high)}.draw(random));
      const auto w = static_cast<int64_t>(std::floor(std::sqrt(area * ratio) + 0.5));
      const auto h = static_cast<int64_t>(std::floor(std::sqrt(area / ratio) + 0.5));
      if (w < 1 || h < 1 || w > width || h > height) continue;
      const int64_t x = random.below(static_cast<uint32_t>(width - w + 1));
      const int64_t y = random.below(static_cast<uint32_t>(height - h + 1));
      enlarge(canvas, {x, y, w, h});
      return;
    }
  }

 private:
  Range scale_, ratio_;
};

/// Turns the hue by `turns` of the colour circle (HSV), keeping value and saturation.
void turn_hue(Canvas& canvas, double turns) {
  if (canvas.shape().channels != 3) return;
  const uint8_t* in = canvas.pixels();
  uint8_t* out = canvas.target();
  // Hue in 1/256 of a sextant, integers throughout.
  constexpr int kSextant = 256, kCircle = 6 * kSextant;
  const int shift = (static_cast<int>(std::floor(turns * kCircle + 0.5)) % kCircle + kCircle) % kCircle;
  for (int64_t i = 0; i < canvas.shape().bytes(); i += 3) {
    const int r = in[i], g = in[i + 1], b = in[i + 2];
    const int high = std::max({r, g, b}), low = std::min({r, g, b}), chroma = high - low;
    int hue = 0;
    if (chroma > 0) {
      if (high == r)
        hue = kSextant * (g - b) / chroma;
      else if (high == g)
        hue = 2 * kSextant + kSextant * (b - r) / chroma;
      else
        hue = 4 * kSextant + kSextant * (r - g) / chroma;
    }
    hue = (hue + shift + kCircle) % kCircle;
    const int within = hue % kSextant;
    const auto rising = static_cast<uint8_t>(low + (chroma * within + kSextant / 2) / kSextant);
    const auto falling = static_cast<uint8_t>(high - (chroma * within + kSextant / 2) / kSextant);
    const auto top = static_cast<uint8_t>(high), bottom = static_cast<uint8_t>(low);
    const std::array<std::array<uint8_t, 3>, 6> sextants = {{{top, rising, bottom},
                                                             {falling, top, bottom},
                                                             {bottom, top, rising},
                                                             {bottom, falling, top},
                                                             {rising, bottom, top},
                                                             {top, bottom, falling}}};
    std::copy_n(sextants[static_cast<std::size_t>(hue / kSextant)].begin(), 3, out + i);
  }
  canvas.show(out);
}

class ColorJitter final : public Step {
 public:
  explicit ColorJitter(Arguments& arguments)
      : strength_(arguments.number("strength", 1, {0, 1.25})), p_(arguments.number("p", 0.8, kProbability)) {}

  void apply(Canvas& canvas, Random& random) const override {
    if (!random.flip(p_)) return;
    std::array<int, 4> order = {0, 1, 2, 3};
    for (uint32_t i = 4; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    const double part = 0.8 * strength_, turn = 0.2 * strength_;
    for (const int what : order) {
      const double factor = random.uniform(1 - part, 1 + part), hue = random.uniform(-turn, turn);
      if (what == 0) apply_operation(canvas, Operation::brightness, factor);
      if (what == 1) apply_operation(canvas, Operation::contrast, factor);
      if (what == 2) apply_operation(canvas, Operation::color, factor);
      if (what == 3) turn_hue(canvas, hue);
    }
  }

 private:
  double strength_, p_;
};

class Grayscale final : public Step {
 public:
  explicit Grayscale(Arguments& arguments) : p_(arguments.number("p", 0.2, kProbability)) {}
  void apply(Canvas& canvas, Random& random) const override {
    if (random.flip(p_)) to_grey(canvas);
  }

 private:
  double p_;
};

class Blur final : public Step {
 public:
  explicit Blur(Arguments& arguments)
      : p_(arguments.number("p", 0.5, kProbability)), sigma_(arguments.range("sigma", {0.1, 2}, {0.01, kMaxSigma})) {}

  void apply(Canvas& canvas, Random& random) const override {
    if (!random.flip(p_)) return;
    const double sigma = sigma_.draw(random);
    const auto reach = static_cast<int64_t>(std::ceil(3 * sigma));
    std::array<int32_t, kMaxReach + 1> weights;  // of 2^16; the centre takes what rounding left over
    double total = 0;
    for (int64_t i = -reach; i <= reach; ++i) total += std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma));
    int32_t sides = 0;
    for (int64_t i = 1; i <= reach; ++i) {
      const double weight = std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma)) / total;
      weights[static_cast<std::size_t>(i)] = static_cast<int32_t>(weight * 65536 + 0.5);
      sides += 2 * weights[static_cast<std::size_t>(i)];
    }
    weights[0] = 65536 - sides;
    blur_rows(canvas, weights.data(), reach);
    blur_columns(canvas, weights.data(), reach);
  }

 private:
  static constexpr double kMaxSigma = 20;
  static constexpr int64_t kMaxReach = 60;

  /// Sums that start with the rounding half.
  static int32_t* fresh_sums(int64_t count) {
    auto* sums = reinterpret_cast<int32_t*>(scratch(2, count * static_cast<int64_t>(sizeof(int32_t))));
    std::fill_n(sums, count, 1 << 15);
    return sums;
  }

  static void blur_rows(Canvas& canvas, const int32_t* weights, int64_t reach) {
    const int64_t channels = canvas.shape().channels, bytes = canvas.row_bytes(), margin = reach * channels;
    uint8_t* padded = scratch(1, bytes + 2 * margin);
    uint8_t *row = padded + margin, *out = canvas.spare();
    for (int64_t y = 0; y < canvas.shape().height; ++y) {
      std::memcpy(row, canvas.pixels() + y * bytes, static_cast<std::size_t>(bytes));
      for (int64_t i = 1; i <= margin; ++i) row[-i] = row[-i + channels];  // the edge pixel, repeated
      for (int64_t i = 0; i < margin; ++i) row[bytes + i] = row[bytes + i - channels];
      int32_t* sums = fresh_sums(bytes);
      for (int64_t i = 0; i < bytes; ++i) sums[i] += weights[0] * row[i];
      for (int64_t k = 1; k <= reach; ++k) add_pair(sums, row - k * channels, row + k * channels, bytes, weights[k]);
      take_high(sums, out + y * bytes, bytes);
    }
    canvas.show(out);
  }

  static void blur_columns(Canvas& canvas, const int32_t* weights, int64_t reach) {
    const int64_t height = canvas.shape().height, bytes = canvas.row_bytes();
    const uint8_t* in = canvas.pixels();
    uint8_t* out = canvas.spare();
    for (int64_t y = 0; y < height; ++y) {
      int32_t* sums = fresh_sums(bytes);
      for (int64_t i = 0; i < bytes; ++i) sums[i] += weights[0] * in[y * bytes + i];
      for (int64_t k = 1; k <= reach; ++k) {
        const int64_t above = std::max<int64_t>(y - k, 0), below = std::min(y + k, height - 1);
        add_pair(sums, in + above * bytes, in + below * bytes, bytes, weights[k]);
      }
      take_high(sums, out + y * bytes, bytes);
    }
    canvas.show(out);
  }

  double p_;
  Range sigma_;
};

}  // namespace

std::unique_ptr<Step> resized_crop(Arguments& arguments) { return std::make_unique<ResizedCrop>(arguments); }
std::unique_ptr<Step> color_jitter(Arguments& arguments) { return std::make_unique<ColorJitter>(arguments); }
std::unique_ptr<Step> grayscale(Arguments& arguments) { return std::make_unique<Grayscale>(arguments); }
std::unique_ptr<Step> blur(Arguments& arguments) { return std::make_unique<Blur>(arguments); }

}  // namespace fewlabel::augment
