// Makes small recordings, honest and dishonest ones.
#pragma once
#include <sndfile.h>

#include <cmath>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include "fewlabel/dataset.h"
#include "helpers.h"

namespace fewlabel::testing {

inline std::vector<float> tone(double hertz, int rate, double seconds, double level = 0.5) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * rate));
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(
        level * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / static_cast<double>(rate)));
  return samples;
}

struct SoundFile {
  int rate = 8000, channels = 1, format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
};

/// Interleaved samples.
inline void write_sound(const std::filesystem::path& path, const std::vector<float>& samples,
                        const SoundFile& kind = {}) {
  SF_INFO info{};
  info.samplerate = kind.rate;
  info.channels = kind.channels;
  info.format = kind.format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (!file) throw std::runtime_error(sf_strerror(nullptr));
  sf_writef_float(file, samples.data(), static_cast<sf_count_t>(samples.size()) / kind.channels);
  sf_close(file);
}

/// All that the Error of `action` says.
template <typename Action>
std::string said(Action&& action) {
  const Error error = error_of(std::forward<Action>(action));
  return error.where() + ": " + error.message() + "; " + error.hint();
}

inline Raw raw_of(const std::filesystem::path& path) { return {.bytes = {}, .file = path.string()}; }

}  // namespace fewlabel::testing
