#include "modalities/image/augment/operations.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "made_up.h"
#include "modalities/image/augment/geometry.h"
#include "modalities/image/augment/pixels.h"

namespace fewlabel::augment {
namespace {

using test::fnv1a;
using test::made_up;

template <typename Work>
std::vector<uint8_t> drawn(const std::vector<uint8_t>& in, const ImageShape& shape, Work&& work) {
  std::vector<uint8_t> out(in.size()), spare(in.size());
  Canvas canvas(in.data(), shape, out.data(), spare.data());
  work(canvas);
  canvas.finish();
  return out;
}

Operation by_name(const std::string& name) {
  for (const OperationInfo& info : operations()) {
    if (name == info.name) return info.operation;
  }
  throw std::runtime_error("no operation " + name);
}

TEST(Operations, GiveTheBytesOfPil) {
  std::ifstream file(FEWLABEL_PIL_GOLDEN);
  std::string line;
  int cases = 0, wrong = 0;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name;
    double value = 0;
    ImageShape shape;
    uint64_t expected = 0;
    fields >> name >> value >> shape.height >> shape.width >> shape.channels >> std::hex >> expected;
    ASSERT_FALSE(fields.fail()) << line;
    const auto in = made_up(shape);
    const auto out = drawn(in, shape, [&](Canvas& canvas) { apply_operation(canvas, by_name(name), value); });
    ++cases;
    if (fnv1a(out) != expected && ++wrong <= 20) ADD_FAILURE() << "differs from PIL: " << line;
  }
  EXPECT_GE(cases, 400);
  EXPECT_EQ(wrong, 0);
}

TEST(Operations, DoNotDependOnWhatCameBefore) {  // in place, or from the input: the same bytes
  const ImageShape shape{13, 21, 3};
  const auto in = made_up(shape);
  for (const OperationInfo& info : operations()) {
    const double value = info.parameter ? info.weakest + 0.7 * (info.strongest - info.weakest) : 0;
    const auto flipped = drawn(in, shape, [](Canvas& canvas) { flip(canvas); });
    const auto fresh = drawn(flipped, shape, [&](Canvas& canvas) { apply_operation(canvas, info.operation, value); });
    const auto chained = drawn(in, shape, [&](Canvas& canvas) {
      flip(canvas);
      apply_operation(canvas, info.operation, value);
    });
    EXPECT_EQ(fresh, chained) << info.name;
  }
}

TEST(Operations, ColorLeavesGreyImagesAlone) {
  const ImageShape shape{6, 6, 1};
  const auto in = made_up(shape);
  EXPECT_EQ(drawn(in, shape, [](Canvas& canvas) { apply_operation(canvas, Operation::color, 0.1); }), in);
}

TEST(Pixels, VectorsGiveTheBytesOfPlainLoops) {  // whatever instruction set this machine picked
  const ImageShape shape{31, 37, 3};
  const auto in = made_up(shape);
  const int64_t bytes = shape.bytes(), pixels = bytes / 3;
  std::vector<uint8_t> out(in.size()), grey(static_cast<std::size_t>(pixels));

  for (const float factor : {0.05f, 0.3333333f, 0.95f, 1.7f}) {
    blend_constant(in.data(), out.data(), bytes, 97, factor);
    for (std::size_t i = 0; i < in.size(); ++i) {
      volatile float product = factor * (static_cast<float>(in[i]) - 97.0f);  // volatile: never fused with the sum
      const float value = 97.0f + product;
      ASSERT_EQ(out[i], value <= 0 ? 0 : value >= 255 ? 255 : static_cast<int>(value)) << i << " factor " << factor;
    }
  }
  luma(in.data(), grey.data(), pixels);
  int64_t total = 0;
  for (std::size_t i = 0; i < grey.size(); ++i) {
    const double exact = (in[3 * i] * 19595.0 + in[3 * i + 1] * 38470.0 + in[3 * i + 2] * 7471.0) / 65536;
    ASSERT_EQ(grey[i], static_cast<int>(exact + 0.5));
    total += grey[i];
  }
  EXPECT_EQ(sum(grey.data(), pixels), total);

  uint8_t low[3], high[3];
  extremes(in.data(), pixels, 3, low, high);
  for (std::size_t c = 0; c < 3; ++c) {
    uint8_t least = 255, most = 0;
    for (std::size_t i = c; i < in.size(); i += 3) {
      least = std::min(least, in[i]);
      most = std::max(most, in[i]);
    }
    EXPECT_EQ(low[c], least);
    EXPECT_EQ(high[c], most);
  }
}

TEST(Pixels, SumDoesNotOverflow) {
  const std::vector<uint8_t> white(20'000'000, 255);
  EXPECT_EQ(sum(white.data(), static_cast<int64_t>(white.size())), 20'000'000LL * 255);
}

TEST(Geometry, FlipMirrorsEveryWidth) {
  for (int channels = 1; channels <= 4; ++channels) {
    for (int width = 1; width <= 70; ++width) {
      const ImageShape shape{2, width, channels};
      const auto in = made_up(shape);
      const auto out = drawn(in, shape, [](Canvas& canvas) { flip(canvas); });
      for (int y = 0; y < 2; ++y) {
        for (int x = 0; x < width; ++x) {
          for (int c = 0; c < channels; ++c) {
            const auto at = [&](int column) { return static_cast<std::size_t>((y * width + column) * channels + c); };
            ASSERT_EQ(out[at(x)], in[at(width - 1 - x)]) << width << "x" << channels << " at " << x;
          }
        }
      }
    }
  }
}

TEST(Geometry, ShiftPadsAsAsked) {
  const ImageShape shape{1, 5, 1};
  const std::vector<uint8_t> in = {1, 2, 3, 4, 5};
  using Row = std::vector<uint8_t>;
  const auto shifted = [&](int64_t dx, Pad pad) {
    return drawn(in, shape, [&](Canvas& canvas) { shift(canvas, dx, 0, pad); });
  };
  EXPECT_EQ(shifted(-2, Pad::reflect), (Row{3, 2, 1, 2, 3}));
  EXPECT_EQ(shifted(2, Pad::reflect), (Row{3, 4, 5, 4, 3}));
  EXPECT_EQ(shifted(5, Pad::reflect), (Row{4, 3, 2, 1, 2}));
  EXPECT_EQ(shifted(-2, Pad::edge), (Row{1, 1, 1, 2, 3}));
  EXPECT_EQ(shifted(2, Pad::zero), (Row{3, 4, 5, 0, 0}));
  EXPECT_EQ(shifted(9, Pad::zero), (Row{0, 0, 0, 0, 0}));
  const ImageShape tall{5, 1, 1};
  EXPECT_EQ(drawn(in, tall, [](Canvas& canvas) { shift(canvas, 0, -2, Pad::reflect); }), (Row{3, 2, 1, 2, 3}));
  EXPECT_EQ(drawn(in, tall, [](Canvas& canvas) { shift(canvas, 0, 1, Pad::zero); }), (Row{2, 3, 4, 5, 0}));
}

TEST(Geometry, AffineReadsOnlyInsideTheImage) {  // mirrored, turned and zoomed; an outside read shows under ASan
  const ImageShape shape{9, 7, 3};
  const auto in = made_up(shape);
  const auto mirrored = drawn(in, shape, [](Canvas& canvas) { affine(canvas, {-1, 0, 7, 0, 1, 0}); });
  EXPECT_EQ(mirrored, drawn(in, shape, [](Canvas& canvas) { flip(canvas); }));
  for (double degrees = -180; degrees <= 180; degrees += 7.3) {
    drawn(in, shape, [&](Canvas& canvas) { rotate(canvas, degrees); });
  }
  for (const double zoom : {-3.0, -0.3, 0.01, 0.7, 5.0}) {
    const auto out = drawn(in, shape, [&](Canvas& canvas) { affine(canvas, {zoom, 0.2, 3, -0.1, zoom, 4}); });
    for (int y = 0; y < shape.height; ++y) {  // against the definition
      for (int x = 0; x < shape.width; ++x) {
        const double u = zoom * (x + 0.5) + 0.2 * (y + 0.5) + 3, v = -0.1 * (x + 0.5) + zoom * (y + 0.5) + 4;
        const auto sx = static_cast<int>(std::floor(u)), sy = static_cast<int>(std::floor(v));
        const bool near_edge = std::abs(u - std::round(u)) < 1e-3 || std::abs(v - std::round(v)) < 1e-3;
        if (near_edge) continue;
        const bool inside = sx >= 0 && sx < shape.width && sy >= 0 && sy < shape.height;
        const int expected = inside ? in[static_cast<std::size_t>((sy * shape.width + sx) * 3)] : 0;
        ASSERT_EQ(out[static_cast<std::size_t>((y * shape.width + x) * 3)], expected) << zoom << " " << x << "," << y;
      }
    }
  }
}

TEST(Geometry, EnlargeKeepsTheWholeImageAndSplitsEvenly) {
  const ImageShape shape{1, 4, 1};
  const std::vector<uint8_t> in = {0, 100, 200, 40};
  EXPECT_EQ(drawn(in, shape, [](Canvas& canvas) { enlarge(canvas, {0, 0, 4, 1}); }), in);
  const auto twice = drawn(in, shape, [](Canvas& canvas) { enlarge(canvas, {1, 0, 2, 1}); });
  EXPECT_EQ(twice, (std::vector<uint8_t>{100, 125, 175, 200}));  // PIL's bilinear resize of {100, 200} to four
}

}  // namespace
}  // namespace fewlabel::augment
