#include "modalities/audio/steps.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fewlabel/config.h"
#include "fewlabel/error.h"
#include "modalities/audio/log_mel.h"

namespace fewlabel {
namespace {

using augment::Arguments;
using augment::Range;

constexpr Range kProbability{0, 1};

double energy(const float* samples, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += double{samples[i]} * samples[i];
  return sum;
}

class Speed final : public SoundStep {
 public:
  explicit Speed(Arguments& arguments) : factor_(arguments.range("factor", {0.9, 1.1}, {0.25, 4})) {}
  void hear(SoundTake& take, Random& random) const override {
    const double factor = factor_.draw(random);
    if (take.placed || take.wave.size() < 2) return;
    const auto last = take.wave.size() - 1;
    std::vector<float> changed(
        static_cast<std::size_t>(std::max(1.0, std::floor(static_cast<double>(last) / factor) + 1)));
    for (std::size_t i = 0; i < changed.size(); ++i) {
      const double at = static_cast<double>(i) * factor;
      const auto left = std::min(static_cast<std::size_t>(at), last - 1);
      const auto part = static_cast<float>(at - static_cast<double>(left));
      changed[i] = take.wave[left] + part * (take.wave[left + 1] - take.wave[left]);
    }
    take.wave = std::move(changed);
    take.sounding = static_cast<int64_t>(take.wave.size());
  }

 private:
  Range factor_;
};

class Crop final : public SoundStep {
 public:
  explicit Crop(Arguments& arguments) : fraction_(arguments.range("fraction", {0.6, 1}, {0.01, 1})) {}
  void hear(SoundTake& take, Random& random) const override {
    const auto length = static_cast<double>(take.wave.size());
    const auto kept = static_cast<std::size_t>(std::max(1.0, std::round(fraction_.draw(random) * length)));
    const std::size_t first = random.below(static_cast<uint32_t>(take.wave.size() - kept + 1));
    if (take.placed) return;
    take.wave.erase(take.wave.begin(), take.wave.begin() + static_cast<std::ptrdiff_t>(first));
    take.wave.resize(kept);
    take.sounding = static_cast<int64_t>(kept);
  }

 private:
  Range fraction_;
};

class Shift final : public SoundStep {
 public:
  explicit Shift(Arguments& arguments) : fraction_(arguments.number("fraction", 0.1, kProbability)) {}
  void hear(SoundTake& take, Random& random) const override { take.shift += random.uniform(-fraction_, fraction_); }

 private:
  double fraction_;
};

class Gain final : public SoundStep {
 public:
  explicit Gain(Arguments& arguments) : decibels_(arguments.number("db", 6, {0, 60})) {}
  void hear(SoundTake& take, Random& random) const override {
    const auto factor = static_cast<float>(std::pow(10, random.uniform(-decibels_, decibels_) / 20));
    for (float& value : take.wave) value *= factor;
  }

 private:
  double decibels_;
};

class Noise final : public SoundStep {
 public:
  explicit Noise(Arguments& arguments)
      : ratio_(arguments.range("snr", {5, 30}, {-20, 100})), p_(arguments.number("p", 0.5, kProbability)) {}
  void hear(SoundTake& take, Random& random) const override {
    if (!random.flip(p_)) return;
    const double ratio = ratio_.draw(random), memory = random.uniform(0, 0.95);  // from white noise to a dull one
    take.place();
    const double loudness = energy(take.wave.data(), take.room) / static_cast<double>(take.sounding);
    // A sum of four bytes has a deviation of 147.8 and is near enough to a normal draw; the filter shrinks it.
    const double scale =
        std::sqrt(loudness * std::pow(10, -ratio / 10)) / 147.8 * std::sqrt((1 + memory) / (1 - memory));
    const auto factor = static_cast<float>(scale * (1 - memory)), kept = static_cast<float>(memory);
    float state = 0;
    for (float& value : take.wave) {
      const uint32_t bits = random.bits();
      const int sum = static_cast<int>((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24)) - 510;
      state = kept * state + factor * static_cast<float>(sum);
      value += state;
    }
  }

 private:
  Range ratio_;
  double p_;
};

/// Somebody else in the room: another recording behind this one, so many decibels softer.
class Mix final : public SoundStep {
 public:
  explicit Mix(Arguments& arguments)
      : ratio_(arguments.range("snr", {5, 20}, {-20, 100})), p_(arguments.number("p", 0.5, kProbability)) {}
  bool mixes() const override { return true; }
  void hear(SoundTake& take, Random& random) const override {
    const bool drawn = random.flip(p_);
    const double ratio = ratio_.draw(random), place = random.uniform();
    if (!drawn || take.other.length == 0) return;
    take.place();
    const int64_t count = std::min(take.sounding, take.other.length);
    const auto from = static_cast<int64_t>(place * static_cast<double>(take.other.length - count + 1));
    const auto to = take.begin + static_cast<int64_t>(place * static_cast<double>(take.sounding - count + 1));
    const float* other = take.other.samples + from;
    const double mine = energy(take.wave.data(), take.room), theirs = energy(other, count);
    if (theirs <= 0) return;
    const auto scale = static_cast<float>(std::sqrt(mine / theirs * std::pow(10, -ratio / 10)));
    for (int64_t i = 0; i < count; ++i) take.wave[static_cast<std::size_t>(to + i)] += scale * other[i];
  }

 private:
  Range ratio_;
  double p_;
};

/// Four combs side by side and two all-passes behind them (Schroeder, 1962), with delays drawn anew.
class Reverb final : public SoundStep {
 public:
  explicit Reverb(Arguments& arguments)
      : p_(arguments.number("p", 0.3, kProbability)),
        seconds_(arguments.range("seconds", {0.1, 0.4}, {0.01, 5})),
        wet_(arguments.range("wet", {0.1, 0.4}, kProbability)) {}
  void hear(SoundTake& take, Random& random) const override {
    if (!random.flip(p_)) return;
    const double seconds = seconds_.draw(random);
    const auto wet = static_cast<float>(wet_.draw(random));
    take.place();
    std::vector<float> echo(take.wave.size());
    for (int comb = 0; comb < 4; ++comb) {
      const double delay = random.uniform(0.025, 0.05);
      add_comb(take.wave, echo, samples(delay, take.rate), static_cast<float>(std::pow(10, -3 * delay / seconds)));
    }
    for (int all_pass = 0; all_pass < 2; ++all_pass) pass(echo, samples(random.uniform(0.002, 0.006), take.rate), 0.7F);
    for (std::size_t i = 0; i < echo.size(); ++i) take.wave[i] = (1 - wet) * take.wave[i] + wet * echo[i];
    take.sounding = std::min(take.sounding + static_cast<int64_t>(samples(seconds, take.rate)), take.room - take.begin);
  }

 private:
  static std::size_t samples(double seconds, int32_t rate) {
    return static_cast<std::size_t>(std::max<int64_t>(1, std::lround(seconds * rate)));
  }
  static void add_comb(const std::vector<float>& in, std::vector<float>& sum, std::size_t delay, float feedback) {
    std::vector<float> out(in);
    for (std::size_t i = delay; i < out.size(); ++i) out[i] += feedback * out[i - delay];
    for (std::size_t i = 0; i < out.size(); ++i) sum[i] += 0.25F * out[i];
  }
  static void pass(std::vector<float>& signal, std::size_t delay, float gain) {
    std::vector<float> in(signal);
    for (std::size_t i = 0; i < signal.size(); ++i) {
      const float before = i >= delay ? in[i - delay] : 0, after = i >= delay ? signal[i - delay] : 0;
      signal[i] = -gain * in[i] + before + gain * after;
    }
  }

  double p_;
  Range seconds_, wet_;
};

/// Another vocal tract: every frequency times a factor (Jaitly and Hinton, ICML workshop 2013), from band to band.
class Warp final : public SoundStep {
 public:
  explicit Warp(Arguments& arguments) : factor_(arguments.range("factor", {0.9, 1.1}, {0.5, 2})) {}
  void see(SeenSound& seen, Random& random) const override {
    const double factor = factor_.draw(random), step = mel_of(seen.rate / 2.0) / static_cast<double>(seen.rows + 1);
    const std::vector<float> before(seen.values, seen.values + seen.rows * seen.columns);
    for (int64_t row = 0; row < seen.rows; ++row) {
      const double hertz = hertz_of(step * static_cast<double>(row + 1)) * factor;
      const double at = std::clamp(mel_of(hertz) / step - 1, 0.0, static_cast<double>(seen.rows - 1));
      const auto below = std::min(static_cast<int64_t>(at), std::max<int64_t>(seen.rows - 2, 0));
      const auto part = static_cast<float>(at - static_cast<double>(below));
      const float* low = before.data() + below * seen.columns;
      const float* high = low + (seen.rows > 1 ? seen.columns : 0);
      float* to = seen.values + row * seen.columns;
      for (int64_t t = 0; t < seen.columns; ++t) to[t] = low[t] + part * (high[t] - low[t]);
    }
  }

 private:
  Range factor_;
};

/// Another microphone, another room: bands louder or softer by a curve that is drawn at a few points and straight
/// between them. What is silence beside the recording stays that.
class Equalize final : public SoundStep {
 public:
  explicit Equalize(Arguments& arguments)
      : decibels_(arguments.number("db", 6, {0, 60})), points_(arguments.integer("points", 5, 2, 100)) {}
  void see(SeenSound& seen, Random& random) const override {
    std::vector<double> curve;  // of natural logarithms of power
    for (int64_t i = 0; i < points_; ++i) curve.push_back(random.uniform(-decibels_, decibels_) * std::log(10) / 10);
    for (int64_t row = 0; row < seen.rows; ++row) {
      const double at =
          static_cast<double>(row * (points_ - 1)) / static_cast<double>(std::max<int64_t>(seen.rows - 1, 1));
      const auto left = std::min(static_cast<std::size_t>(at), curve.size() - 2);
      const auto more =
          static_cast<float>(curve[left] + (at - static_cast<double>(left)) * (curve[left + 1] - curve[left]));
      float* line = seen.values + row * seen.columns;
      for (int64_t t = seen.begin; t < seen.end; ++t) line[t] += more;
    }
  }

 private:
  double decibels_;
  int64_t points_;
};

class Mask final : public SoundStep {
 public:
  enum class Of { mels, time };
  Mask(Arguments& arguments, Of of)
      : of_(of),
        fraction_(arguments.number("fraction", 0.2, kProbability)),
        count_(arguments.integer("n", 1, 0, 100)) {}
  void see(SeenSound& seen, Random& random) const override {
    const int64_t length = of_ == Of::mels ? seen.rows : seen.columns;
    double sum = 0;
    for (int64_t i = 0; i < seen.rows * seen.columns; ++i) sum += double{seen.values[i]};
    const auto mean = static_cast<float>(sum / static_cast<double>(seen.rows * seen.columns));
    for (int64_t n = 0; n < count_; ++n) {
      const auto most = static_cast<uint32_t>(std::lround(fraction_ * static_cast<double>(length)));
      const auto width = static_cast<int64_t>(random.below(most + 1));
      const auto first = static_cast<int64_t>(random.below(static_cast<uint32_t>(length - width + 1)));
      for (int64_t row = 0; row < seen.rows; ++row) {
        float* line = seen.values + row * seen.columns;
        if (of_ == Of::time)
          std::fill_n(line + first, width, mean);
        else if (row >= first && row < first + width)
          std::fill_n(line, seen.columns, mean);
      }
    }
  }

 private:
  Of of_;
  double fraction_;
  int64_t count_;
};

}  // namespace

void SoundTake::place() {
  if (placed) return;
  placed = true;
  const auto length = static_cast<int64_t>(wave.size());
  // What fits stays whole: a transcript is of all that is said.
  const int64_t wish = (room - length) / 2 + std::lround(shift * static_cast<double>(room));
  const int64_t offset = std::clamp(wish, std::min<int64_t>(0, room - length), std::max<int64_t>(0, room - length));
  std::vector<float> view(static_cast<std::size_t>(room));
  const int64_t from = std::max<int64_t>(-offset, 0), to = std::max<int64_t>(offset, 0);
  const int64_t count = std::max<int64_t>(0, std::min(length - from, room - to));
  std::copy_n(wave.begin() + static_cast<std::ptrdiff_t>(std::min(from, length)), count,
              view.begin() + static_cast<std::ptrdiff_t>(std::min(to, room)));
  wave = std::move(view);
  sounding = std::max<int64_t>(count, 1);
  begin = to;
}

std::unique_ptr<SoundStep> make_sound_step(Arguments& arguments, const FrontEnd& settings) {
  const std::string& name = arguments.step();
  if (name == "speed") return std::make_unique<Speed>(arguments);
  if (name == "crop") return std::make_unique<Crop>(arguments);
  if (name == "shift") return std::make_unique<Shift>(arguments);
  if (name == "gain") return std::make_unique<Gain>(arguments);
  if (name == "noise") return std::make_unique<Noise>(arguments);
  if (name == "mix") return std::make_unique<Mix>(arguments);
  if (name == "reverb") return std::make_unique<Reverb>(arguments);
  if (name == "time_mask") return std::make_unique<Mask>(arguments, Mask::Of::time);
  if (name == "mel_mask" || name == "warp" || name == "equalize") {
    if (settings.mels == 0)
      throw Error(ErrorKind::usage, "augment", name + " changes bands, and with data.mels = 0 there are none");
    if (name == "warp") return std::make_unique<Warp>(arguments);
    if (name == "equalize") return std::make_unique<Equalize>(arguments);
    return std::make_unique<Mask>(arguments, Mask::Of::mels);
  }
  throw Error(ErrorKind::usage, "augment", "recordings have no step '" + name + "'",
              suggestion(name, {"speed", "crop", "shift", "gain", "noise", "mix", "reverb", "warp", "equalize",
                                "mel_mask", "time_mask"}));
}

}  // namespace fewlabel
