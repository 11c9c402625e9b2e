#include "modalities/audio/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "sounds.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using testing::said;
using testing::tone;

const FrontEnd kSamples{.mels = 0};

std::vector<uint8_t> kept(const std::vector<float>& samples, const Layout& seen) {
  std::vector<float> values(static_cast<std::size_t>(seen.longest) + 1);
  std::copy(samples.begin(), samples.end(), values.begin() + 1);
  std::vector<uint8_t> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  const auto length = static_cast<int32_t>(samples.size());
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes;
}

std::vector<float> applied(const std::string& policy, const std::vector<float>& samples, const Layout& seen,
                           const FrontEnd& settings = kSamples, uint64_t seed = 0) {
  std::vector<float> out(static_cast<std::size_t>(seen.values()), -77);
  Random random({.seed = seed, .purpose = "test"});
  const std::vector<uint8_t> in = kept(samples, seen);
  make_sound_transform(policy, std::make_shared<const Front>(settings))
      ->apply(in.data(), seen, reinterpret_cast<uint8_t*>(out.data()), random);
  return out;
}

double power(const std::vector<float>& samples) {
  double sum = 0;
  for (const float value : samples) sum += double{value} * value;
  return sum / static_cast<double>(samples.size());
}

const Layout kSecond = kSamples.seen(8000, 8000, 8000);

TEST(SoundViews, a_short_recording_stands_in_the_middle) {
  const std::vector<float> samples(2000, 0.5F), seen = applied("none", samples, kSecond);
  EXPECT_EQ(seen[2999], 0);
  EXPECT_EQ(seen[3000], 0.5F);
  EXPECT_EQ(seen[4999], 0.5F);
  EXPECT_EQ(seen[5000], 0);
}

TEST(SoundViews, shift_moves_and_gain_scales) {
  const std::vector<float> samples(2000, 0.5F);
  bool moved = false;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const std::vector<float> seen = applied("shift(0.2)", samples, kSecond, kSamples, seed);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 0.5F), 2000);
    moved = moved || seen[3000] != 0.5F || seen[2999] != 0;
  }
  EXPECT_TRUE(moved);
  const float louder = *std::max_element(samples.begin(), samples.end());
  float least = 100, most = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<float> seen = applied("gain(6)", samples, kSecond, kSamples, seed);
    least = std::min(least, seen[4000] / louder);
    most = std::max(most, seen[4000] / louder);
  }
  EXPECT_GT(least, 0.50);
  EXPECT_LT(least, 0.6);
  EXPECT_GT(most, 1.7);
  EXPECT_LT(most, 2.0);
}

TEST(SoundViews, noise_has_the_power_that_it_is_given) {
  const std::vector<float> samples = tone(440, 8000, 1);
  for (uint64_t seed = 0; seed < 8; ++seed) {
    std::vector<float> noise = applied("noise(10, p=1)", samples, kSecond, kSamples, seed);
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] -= samples[i];
    EXPECT_NEAR(10 * std::log10(power(samples) / power(noise)), 10, 1.5) << seed;
  }
}

TEST(SoundViews, speed_changes_pitch_and_length) {
  const std::vector<float> samples = tone(430, 8000, 0.5), faster = applied("speed(2)", samples, kSecond);
  const auto sounding = std::count_if(faster.begin(), faster.end(), [](float v) { return std::abs(v) > 1e-3; });
  EXPECT_NEAR(static_cast<double>(sounding), 2000, 60);
  int crossings = 0;
  for (std::size_t i = 1; i < faster.size(); ++i) crossings += faster[i - 1] < 0 && faster[i] >= 0;
  EXPECT_NEAR(crossings, 215, 3);  // 860 Hz for a quarter of a second
}

TEST(SoundViews, reverb_goes_on_behind_the_sound) {
  std::vector<float> click(100);
  click[0] = 0.9F;
  const std::vector<float> dry = applied("reverb(p=0)", click, kSecond), wet = applied("reverb(p=1)", click, kSecond);
  const auto tail = [](const std::vector<float>& seen) { return power({seen.begin() + 4200, seen.end()}); };
  EXPECT_EQ(tail(dry), 0);
  EXPECT_GT(tail(wet), 1e-7);
  EXPECT_LT(std::abs(wet.back()), 1e-3);
}

TEST(SoundViews, masks_hide_bands_and_times) {
  const FrontEnd settings{.mels = 40};
  const Layout seen = settings.seen(8000, 8000, 8000);
  const std::vector<float> samples = tone(440, 8000, 1);
  const auto hidden = [&](const std::string& policy, bool rows, uint64_t seed) {
    const std::vector<float> view = applied("gain(0)+" + policy, samples, seen, settings, seed);
    const std::size_t height = 40, width = 100;
    int lines = 0;
    for (std::size_t k = 0; k < (rows ? height : width); ++k) {
      bool flat = true;
      for (std::size_t j = 0; j < (rows ? width : height); ++j) {
        const std::size_t at = rows ? k * width + j : j * width + k;
        flat = flat && view[at] == view[rows ? k * width : k];
      }
      lines += flat;
    }
    return lines;
  };
  int bands = 0, times = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    bands = std::max(bands, hidden("mel_mask(0.25)", true, seed));
    times = std::max(times, hidden("time_mask(0.1)", false, seed));
  }
  EXPECT_GE(bands, 7);
  EXPECT_LE(bands, 10);
  EXPECT_GE(times, 7);
  EXPECT_LE(times, 10);
  EXPECT_EQ(hidden("mel_mask(0)", true, 0), 0);
}

TEST(SoundViews, warp_moves_a_tone_to_other_bands) {
  const FrontEnd settings{.mels = 40};
  const Layout seen = settings.seen(8000, 8000, 8000);
  const auto loudest = [&](const std::string& policy, double hertz) {
    const std::vector<float> view = applied(policy, tone(hertz, 8000, 1), seen, settings);
    std::size_t best = 0;
    for (std::size_t m = 0; m < 40; ++m)
      if (view[m * 100 + 50] > view[best * 100 + 50]) best = m;
    return best;
  };
  EXPECT_EQ(loudest("warp(1)", 1000), loudest("gain(0)", 1000));
  EXPECT_EQ(loudest("warp(0.5)", 1000), loudest("gain(0)", 2000));
  EXPECT_EQ(loudest("warp(2)", 1000), loudest("gain(0)", 500));
}

TEST(SoundViews, equalize_changes_bands_by_what_it_may_and_leaves_silence_alone) {
  const FrontEnd settings{.mels = 40};
  const Layout seen = settings.seen(8000, 8000, 8000);
  const std::vector<float> samples = tone(440, 8000, 0.5), plain = applied("gain(0)", samples, seen, settings);
  double most = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const std::vector<float> view = applied("gain(0)+equalize(6)", samples, seen, settings, seed);
    EXPECT_EQ(view[3], plain[3]);
    EXPECT_EQ(view[20 * 100 + 97], plain[20 * 100 + 97]);
    for (std::size_t m = 0; m < 40; ++m) {
      const double change = double{view[m * 100 + 50]} - plain[m * 100 + 50];
      EXPECT_NEAR(change, double{view[m * 100 + 40]} - plain[m * 100 + 40], 1e-4);  // the same all along
      most = std::max(most, std::abs(change));
    }
  }
  EXPECT_GT(most, 1);
  EXPECT_LE(most, 6 * std::log(10) / 10 + 1e-4);
}

TEST(SoundViews, of_a_long_recording_every_part_is_seen) {
  const Layout seen = kSamples.seen(1000, 8000, 5000);
  std::vector<float> ramp(5000);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i);
  const std::vector<uint8_t> in = kept(ramp, seen);
  const int64_t parts = sound_parts(in.data(), seen, kSamples);
  EXPECT_EQ(parts, 9);
  const Front front(kSamples);
  std::vector<char> covered(5000);
  for (int64_t part = 0; part < parts; ++part) {
    std::vector<float> view(static_cast<std::size_t>(seen.values()));
    plain_sound(in.data(), seen, part, front, reinterpret_cast<uint8_t*>(view.data()));
    for (const float value : view) covered[static_cast<std::size_t>(value)] = 1;
  }
  EXPECT_EQ(std::count(covered.begin(), covered.end(), 0), 0);
  float first = 1e9F, last = 0;  // and training sees other parts each time
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const std::vector<float> view = applied("shift(0)", ramp, seen, kSamples, seed);
    first = std::min(first, view[0]);
    last = std::max(last, view[999]);
  }
  EXPECT_LT(first, 600);
  EXPECT_GT(last, 4400);
}

TEST(SoundViews, a_key_gives_one_view) {
  const ViewPolicies policies = sound_policies({});
  const FrontEnd settings;
  const Layout seen = settings.seen(8000, 8000, 8000);
  for (const std::string& policy : {policies.weak, policies.strong, policies.contrast}) {
    const auto a = applied(policy, tone(440, 8000, 0.7), seen, settings, 3);
    EXPECT_EQ(a, applied(policy, tone(440, 8000, 0.7), seen, settings, 3));
    EXPECT_NE(a, applied(policy, tone(440, 8000, 0.7), seen, settings, 4));
    for (const float value : a) ASSERT_TRUE(std::isfinite(value)) << policy;
  }
}

TEST(SoundViews, every_band_loses_its_mean_over_the_recording) {
  const FrontEnd centred, plain{.cmn = false};
  const Layout seen = centred.seen(8000, 8000, 8000);
  // Noise, so that no band lies at the floor of the logarithm, louder in its second half.
  Random random({.seed = 1, .purpose = "noise"});
  std::vector<float> soft(4000), loud(4000);
  for (std::size_t i = 0; i < soft.size(); ++i) {
    soft[i] = static_cast<float>((i < 2000 ? 0.05 : 0.1) * random.normal());
    loud[i] = 4 * soft[i];
  }
  const auto a = applied("none", soft, seen, centred), b = applied("none", loud, seen, centred);
  const int64_t frames = seen.sizes[1];
  for (int64_t row = 0; row < seen.sizes[0]; ++row) {
    double sum = 0;
    for (int64_t t = 0; t < frames; ++t) sum += double{a[static_cast<std::size_t>(row * frames + t)]};
    EXPECT_NEAR(sum, 0, 1e-2);
  }
  EXPECT_EQ(a[0], 0);  // silence beside it, to the last bit
  EXPECT_GT(power(a), 0.1);
  const auto apart = [](const std::vector<float>& x, const std::vector<float>& y) {
    double most = 0;
    for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(double{x[i]} - double{y[i]}));
    return most;
  };
  EXPECT_LT(apart(a, b), 0.05);  // how loud it was is gone
  EXPECT_GT(apart(applied("none", soft, seen, plain), applied("none", loud, seen, plain)), 2.5);
}

TEST(SoundViews, another_recording_is_mixed_in_as_much_softer_as_asked) {
  const std::vector<float> one = tone(440, 8000, 0.5), other = tone(1500, 8000, 0.8, 0.05);
  const auto transform = make_sound_transform("mix(snr=10..10, p=1)", std::make_shared<const Front>(kSamples));
  ASSERT_TRUE(transform->mixes());
  const std::vector<uint8_t> in = kept(one, kSecond), beside = kept(other, kSecond);
  std::vector<float> mixed(static_cast<std::size_t>(kSecond.values())), again(mixed);
  for (auto* out : {&mixed, &again}) {
    Random random({.seed = 3, .purpose = "test"});
    transform->mix(in.data(), beside.data(), kSecond, reinterpret_cast<uint8_t*>(out->data()), random);
  }
  EXPECT_EQ(mixed, again);
  std::vector<float> difference = applied("none", one, kSecond);
  EXPECT_NEAR(power(mixed) / power(difference), 1.1, 0.02);
  for (std::size_t i = 0; i < mixed.size(); ++i) difference[i] = mixed[i] - difference[i];
  EXPECT_NEAR(power(difference) / power(applied("none", one, kSecond)), 0.1, 0.01);
  // With nothing beside it, it is what it was; and other policies ask for nothing.
  EXPECT_EQ(applied("mix(snr=10..10, p=1)", one, kSecond), applied("none", one, kSecond));
  EXPECT_FALSE(make_sound_transform("gain", std::make_shared<const Front>(kSamples))->mixes());
}

TEST(SoundViews, what_is_not_understood_is_refused) {
  const auto front = std::make_shared<const Front>(FrontEnd{});
  EXPECT_THAT(said([&] { make_sound_transform("flip", front); }), HasSubstr("recordings have no step 'flip'"));
  EXPECT_THAT(said([&] { make_sound_transform("noise(snr=200)", front); }), HasSubstr("-20 to 100"));
  EXPECT_THAT(said([&] { make_sound_transform("mel_mask", std::make_shared<const Front>(kSamples)); }),
              HasSubstr("data.mels = 0"));
}

}  // namespace
}  // namespace fewlabel
