// The steps a policy can name. Adding one: a class here, and a line in kSteps.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "fewlabel/config.h"
#include "fewlabel/error.h"
#include "modalities/image/augment/geometry.h"
#include "modalities/image/augment/operations.h"
#include "modalities/image/augment/policy.h"
#include "modalities/image/augment/views.h"

namespace fewlabel::augment {
namespace {

constexpr Range kProbability{0, 1};

class Flip final : public Step {
 public:
  explicit Flip(Arguments& arguments) : p_(arguments.number("p", 0.5, kProbability)) {}
  void apply(Canvas& canvas, Random& random) const override {
    if (random.flip(p_)) flip(canvas);
  }

 private:
  double p_;
};

/// Pads each side by a fraction of it and cuts the original size out at a random place: a random shift.
class Crop final : public Step {
 public:
  explicit Crop(Arguments& arguments) : fraction_(arguments.number("fraction", 0.125, {0, 1})) {
    const std::string pad = arguments.word("pad", "reflect");
    if (pad == "reflect")
      pad_ = Pad::reflect;
    else if (pad == "edge")
      pad_ = Pad::edge;
    else if (pad == "zero")
      pad_ = Pad::zero;
    else
      arguments.refuse("pad", pad, "reflect, edge or zero");
  }
  void apply(Canvas& canvas, Random& random) const override {
    const auto draw = [&](int64_t side) {
      const auto most = static_cast<int64_t>(fraction_ * static_cast<double>(side) + 1e-9);
      return static_cast<int64_t>(random.below(static_cast<uint32_t>(2 * most + 1))) - most;
    };
    const int64_t dx = draw(canvas.shape().width), dy = draw(canvas.shape().height);
    shift(canvas, dx, dy, pad_);
  }

 private:
  double fraction_;
  Pad pad_ = Pad::reflect;
};

/// One grey square; its side is uniform up to `fraction` of the shorter side, its centre anywhere.
class Cutout final : public Step {
 public:
  explicit Cutout(Arguments& arguments) : fraction_(arguments.number("fraction", 0.5, {0, 1})) {}
  void apply(Canvas& canvas, Random& random) const override {
    constexpr uint8_t kGrey = 127;
    const ImageShape& shape = canvas.shape();
    const double shorter = std::min(shape.width, shape.height);
    const int64_t side = 1 + static_cast<int64_t>(random.uniform(0, fraction_) * shorter);
    const int64_t x = random.below(static_cast<uint32_t>(shape.width));
    const int64_t y = random.below(static_cast<uint32_t>(shape.height));
    fill(canvas, {x - side / 2, y - side / 2, side, side}, kGrey);
  }

 private:
  double fraction_;
};

/// Draws n of the fourteen operations with replacement; each with a strength drawn anew, or always m.
class RandAugment final : public Step {
 public:
  explicit RandAugment(Arguments& arguments) : n_(arguments.integer("n", 2, 0, 14)) {
    if (arguments.word("m", "random") != "random") m_ = arguments.number("m", 0, {0, 1});
  }
  void apply(Canvas& canvas, Random& random) const override {
    for (int64_t i = 0; i < n_; ++i) {
      const OperationInfo& info = operations()[random.below(static_cast<uint32_t>(operations().size()))];
      double value = 0;
      if (info.parameter) {
        const double strength = m_ ? *m_ : random.uniform();
        value = info.weakest + (info.strongest - info.weakest) * strength;
        if (info.both_ways && random.flip()) value = -value;
      }
      apply_operation(canvas, info.operation, value);
    }
  }

 private:
  int64_t n_;
  std::optional<double> m_;
};

/// One operation by its own name; without a value, RandAugment's range.
class Single final : public Step {
 public:
  Single(const OperationInfo& info, Arguments& arguments) : info_(info) {
    if (info.both_ways) {
      const double most = arguments.number(info.parameter, info.strongest, {info.low, info.high});
      value_ = {-most, most};
    } else if (info.parameter) {
      const Range usual{std::min(info.weakest, info.strongest), std::max(info.weakest, info.strongest)};
      value_ = arguments.range(info.parameter, usual, {info.low, info.high});
    }
    p_ = arguments.number("p", 1, kProbability);
  }
  void apply(Canvas& canvas, Random& random) const override {
    if (p_ >= 1 || random.flip(p_)) apply_operation(canvas, info_.operation, value_.draw(random));
  }

 private:
  OperationInfo info_;
  Range value_;
  double p_ = 1;
};

template <typename T>
std::unique_ptr<Step> make(Arguments& arguments) {
  return std::make_unique<T>(arguments);
}

struct StepInfo {
  const char* name;
  std::unique_ptr<Step> (*make)(Arguments&);
};
constexpr StepInfo kSteps[] = {
    {"flip", make<Flip>},
    {"crop", make<Crop>},
    {"randaugment", make<RandAugment>},
    {"cutout", make<Cutout>},
    {"resized_crop", resized_crop},
    {"color_jitter", color_jitter},
    {"grayscale", grayscale},
    {"blur", blur},
};

}  // namespace

std::unique_ptr<Step> make_step(Arguments& arguments) {
  std::vector<std::string> known{"none"};
  for (const StepInfo& info : kSteps) {
    if (arguments.step() == info.name) return info.make(arguments);
    known.emplace_back(info.name);
  }
  for (const OperationInfo& info : operations()) {
    if (arguments.step() == info.name) return std::make_unique<Single>(info, arguments);
    known.emplace_back(info.name);
  }
  throw Error(ErrorKind::usage, "augment", fmt::format("there is no step '{}'", arguments.step()),
              suggestion(arguments.step(), known));
}

}  // namespace fewlabel::augment
