#include "modalities/audio/reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "fewlabel/error.h"
#include "sounds.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using testing::raw_of;
using testing::said;
using testing::tone;
using testing::write_sound;

class Reading : public ::testing::Test {
 protected:
  Reading() : folder_(std::filesystem::path(::testing::TempDir()) / "fewlabel_sounds") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  std::filesystem::path at(const std::string& name) const { return folder_ / name; }
  std::string bytes(const std::string& name) const {
    std::ifstream in(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::binary) << text;
  }
  std::vector<float> read(const std::string& name, SoundWish wish = {8000, 80000}) const {
    return read_sound(name, raw_of(at(name)), wish);
  }

  std::filesystem::path folder_;
};

double power(const std::vector<float>& samples) {
  double sum = 0;
  for (const float value : samples) sum += double{value} * value;
  return sum / static_cast<double>(samples.size());
}

/// What a tone of that frequency has of the samples' power.
double share_of(const std::vector<float>& samples, double hertz, int rate) {
  double re = 0, im = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hertz * static_cast<double>(i) / rate;
    re += samples[i] * std::cos(angle);
    im += samples[i] * std::sin(angle);
  }
  const auto count = static_cast<double>(samples.size());
  return 2 * (re * re + im * im) / count / count / power(samples);
}

TEST_F(Reading, every_format_gives_the_samples_that_were_written) {
  const std::vector<float> samples = tone(440, 8000, 0.5);
  const std::pair<const char*, int> formats[] = {
      {"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},   {"b.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT},
      {"c.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24},   {"d.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8},
      {"e.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16}, {"f.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
      {"g.au", SF_FORMAT_AU | SF_FORMAT_PCM_16}};
  for (const auto& [name, format] : formats) {
    write_sound(at(name), samples, {.format = format});
    const std::vector<float> found = read(name);
    ASSERT_EQ(found.size(), samples.size()) << name;
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], samples[i], 0.01) << name;
  }
  write_sound(at("h.ogg"), samples, {.format = SF_FORMAT_OGG | SF_FORMAT_VORBIS});
  const std::vector<float> lossy = read("h.ogg");
  EXPECT_NEAR(static_cast<double>(lossy.size()), static_cast<double>(samples.size()), 200);
  EXPECT_GT(share_of(lossy, 440, 8000), 0.9);
  EXPECT_EQ(sound_header("e.flac", raw_of(at("e.flac"))).format, "flac");
}

TEST_F(Reading, a_file_in_memory_is_read_alike) {
  write_sound(at("a.flac"), tone(300, 8000, 0.3), {.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16});
  const std::string text = bytes("a.flac");
  EXPECT_EQ(read_sound("a.flac", {{text.begin(), text.end()}}, {8000, 80000}), read("a.flac"));
}

TEST_F(Reading, another_rate_keeps_pitch_and_length) {
  for (const int rate : {16000, 44100, 192000, 6000}) {
    write_sound(at("a.wav"), tone(1000, rate, 1), {.rate = rate, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_24});
    const std::vector<float> samples = read("a.wav");
    EXPECT_NEAR(static_cast<double>(samples.size()), 8000, 2) << rate;
    EXPECT_GT(share_of(samples, 1000, 8000), 0.98) << rate;
    EXPECT_LT(share_of(samples, 1500, 8000), 0.01) << rate;
  }
}

TEST_F(Reading, what_a_lower_rate_cannot_hold_is_gone) {
  write_sound(at("a.wav"), tone(6000, 16000, 1), {.rate = 16000});
  EXPECT_LT(power(read("a.wav")), 1e-6);  // else it would sound as 2,000 Hz
}

TEST_F(Reading, channels_are_mixed_or_chosen) {
  std::vector<float> both;
  for (int i = 0; i < 4000; ++i) both.insert(both.end(), {0.5F, -0.25F, 0.125F});
  write_sound(at("a.wav"), both, {.channels = 3});
  EXPECT_NEAR(read("a.wav")[100], 0.125, 1e-3);
  EXPECT_NEAR(read("a.wav", {8000, 80000, 2})[100], -0.25, 1e-3);
  EXPECT_THAT(said([&] { read("a.wav", {8000, 80000, 4}); }), HasSubstr("has 3 channels, and channel 4"));
}

TEST_F(Reading, a_part_is_what_lies_between_its_times) {
  std::vector<float> samples(16000);
  for (std::size_t i = 4000; i < 8000; ++i) samples[i] = 0.5F;
  write_sound(at("a.wav"), samples);
  Raw part = raw_of(at("a.wav"));
  part.begin = 0.5;
  part.end = 1;
  const std::vector<float> found = read_sound("a.wav", part, {8000, 80000});
  ASSERT_EQ(found.size(), 4000U);
  EXPECT_NEAR(found.front(), 0.5, 1e-3);
  EXPECT_NEAR(found.back(), 0.5, 1e-3);
  EXPECT_EQ(sound_header("a.wav", part).frames, 4000);
  part.end = 2.5;
  EXPECT_THAT(said([&] { read_sound("a.wav", part, {}); }), HasSubstr("is 2.00 seconds long, and 0.50 to 2.50"));
  part.begin = 7;
  part.end = 0;
  EXPECT_THAT(said([&] { read_sound("a.wav", part, {}); }), HasSubstr("is 2.00 seconds long"));
}

TEST_F(Reading, silence_goes_where_that_is_asked_for) {
  std::vector<float> samples(8000, 0.0001F);
  for (std::size_t i = 2000; i < 3000; ++i) samples[i] = i % 2 ? 0.5F : -0.5F;
  write_sound(at("a.wav"), samples);
  EXPECT_EQ(read("a.wav").size(), 8000U);
  const std::size_t trimmed = read("a.wav", {8000, 80000, 0, 40}).size();
  EXPECT_GE(trimmed, 1000U);
  EXPECT_LE(trimmed, 1200U);
  write_sound(at("b.wav"), std::vector<float>(800));
  EXPECT_EQ(read("b.wav", {8000, 80000, 0, 40}).size(), 800U);  // nothing but silence stays what it is
}

TEST_F(Reading, no_more_is_read_than_is_kept) {
  write_sound(at("a.wav"), tone(440, 8000, 5));
  EXPECT_EQ(read("a.wav", {8000, 1000}).size(), 1000U);
  EXPECT_EQ(read("a.wav", {16000, 1000}).size(), 1000U);
}

TEST_F(Reading, an_mp3_under_another_name_is_read_as_what_it_is) {
  write_sound(at("a.flac"), tone(440, 8000, 0.5), {.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16});
  put("b.wav", bytes("a.flac"));
  EXPECT_EQ(read("b.wav").size(), 4000U);
  EXPECT_EQ(sound_header("b.wav", raw_of(at("b.wav"))).format, "flac");
}

TEST_F(Reading, damage_is_named) {
  write_sound(at("a.wav"), tone(440, 8000, 0.5));
  const std::string whole = bytes("a.wav");
  put("cut.wav", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(said([&] { read("cut.wav"); }), HasSubstr("is cut short"));
  put("empty.wav", "");
  EXPECT_THAT(said([&] { read("empty.wav"); }), HasSubstr("is empty"));
  put("text.wav", "hello, I am no recording at all, but a longer text");
  EXPECT_THAT(said([&] { read("text.wav"); }), HasSubstr("cannot be read as a recording"));
  write_sound(at("none.wav"), {});
  EXPECT_THAT(said([&] { read("none.wav"); }), HasSubstr("holds no sound"));
  std::vector<float> wrong = tone(440, 8000, 0.1);
  wrong[17] = std::numeric_limits<float>::quiet_NaN();
  write_sound(at("nan.wav"), wrong, {.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT});
  EXPECT_THAT(said([&] { read("nan.wav"); }), HasSubstr("sample 18 is not a number"));
  write_sound(at("b.flac"), tone(440, 8000, 3), {.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16});
  const std::string flac = bytes("b.flac");
  put("cut.flac", flac.substr(0, flac.size() / 2));
  EXPECT_THAT(said([&] { read("cut.flac"); }), HasSubstr("is cut short or damaged after"));
  EXPECT_THAT(said([&] { read("gone.wav"); }), HasSubstr("gone.wav"));
}

TEST_F(Reading, what_is_shown_is_what_was_read) {
  const std::vector<float> samples = tone(440, 8000, 0.25);
  put("a.wav", wav_of(samples, 8000));
  const std::vector<float> found = read("a.wav");
  ASSERT_EQ(found.size(), samples.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], samples[i], 1e-4);
}

}  // namespace
}  // namespace fewlabel
