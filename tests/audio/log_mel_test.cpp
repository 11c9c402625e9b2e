#include "modalities/audio/log_mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "fewlabel/config.h"

namespace fewlabel {
namespace {

/// scripts/golden/sounds.py
std::vector<float> signal(int64_t count) {
  std::vector<float> values;
  uint64_t state = 1;
  for (int64_t n = 0; n < count; ++n) {
    state = (state * 1103515245 + 12345) % (uint64_t{1} << 31);
    const double noise = static_cast<double>(state) / (1 << 30) - 1;
    const double beep = n > count / 2 ? (n / 20 % 2 ? 0.5 : -0.5) : 0;
    values.push_back(static_cast<float>(0.2 * noise * (static_cast<double>(n % 1000) / 1000) + beep));
  }
  return values;
}

TEST(LogMel, is_what_torchaudio_makes) {
  const Json cases = Json::parse(std::ifstream(FEWLABEL_GOLDEN "/sounds.json"));
  ASSERT_EQ(cases.size(), 4U);
  for (const Json& golden : cases) {
    const int32_t rate = golden.at("rate");
    const int64_t frames = golden.at("frames");
    const LogMel bands({.mels = golden.at("mels"), .window_ms = golden.at("window_ms"), .hop_ms = golden.at("hop_ms")},
                       rate);
    EXPECT_EQ(bands.fft_size(), golden.at("fft_size").get<int64_t>());
    const std::vector<float> samples = signal(frames * bands.hop());
    std::vector<float> values(static_cast<std::size_t>(bands.mels() * frames));
    bands.apply(samples.data(), frames, values.data());
    const auto expected = golden.at("values").get<std::vector<float>>();
    ASSERT_EQ(values.size(), expected.size());
    double worst = 0, apart = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      // Far below the loudest band both have only what rounding leaves.
      const double allowed = expected[i] > -9 ? 1e-3 : 2e-2;
      worst = std::max(worst, std::abs(double{values[i]} - expected[i]) / allowed);
      apart = std::max(apart, std::abs(double{values[i]} - expected[values.size() - 1 - i]));
    }
    EXPECT_LT(worst, 1) << "at a rate of " << rate;
    EXPECT_GT(apart, 0.5);  // the check can fail
  }
}

TEST(LogMel, of_silence_is_the_floor_everywhere) {
  const LogMel bands({}, 16000);
  const std::vector<float> silence(static_cast<std::size_t>(3 * bands.hop()));
  std::vector<float> values(static_cast<std::size_t>(3 * bands.mels()));
  bands.apply(silence.data(), 3, values.data());
  for (const float value : values) EXPECT_NEAR(value, std::log(kMelFloor), 1e-4);
}

TEST(LogMel, of_a_signal_shorter_than_the_window_is_finite) {
  const LogMel bands({.hop_ms = 1}, 16000);
  const std::vector<float> samples(static_cast<std::size_t>(bands.hop()), 0.5F);
  std::vector<float> values(static_cast<std::size_t>(bands.mels()));
  bands.apply(samples.data(), 1, values.data());
  for (const float value : values) EXPECT_TRUE(std::isfinite(value));
}

/// A tone shows in the band that holds its frequency, and a frame that comes a hop later is the same one.
TEST(LogMel, moves_with_the_sound) {
  const LogMel bands({}, 8000);
  constexpr int64_t kFrames = 40;
  std::vector<float> samples(static_cast<std::size_t>(kFrames * bands.hop()));
  for (std::size_t i = 1000; i < 1400; ++i) samples[i] = 0.5F * std::sin(static_cast<float>(i) * 0.9F);
  std::vector<float> later(samples.size());
  std::copy(samples.begin(), samples.end() - bands.hop(), later.begin() + bands.hop());
  std::vector<float> a(static_cast<std::size_t>(bands.mels() * kFrames)), b(a.size());
  bands.apply(samples.data(), kFrames, a.data());
  bands.apply(later.data(), kFrames, b.data());
  for (int64_t m = 0; m < bands.mels(); ++m)
    for (int64_t t = 5; t + 6 < kFrames; ++t)
      EXPECT_NEAR(a[static_cast<std::size_t>(m * kFrames + t)], b[static_cast<std::size_t>(m * kFrames + t + 1)], 1e-4);
}

}  // namespace
}  // namespace fewlabel
