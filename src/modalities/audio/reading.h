// Files of recordings, read within limits: one channel of floats at the rate that is wanted. Thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "fewlabel/dataset.h"

namespace fewlabel {

struct SoundHeader {
  int32_t rate = 0;    // samples a second
  int64_t frames = 0;  // of the part that is meant
  std::string format;  // "wav", "flac" …
};
/// Throws Error{data}: no sound file, or none that is read.
SoundHeader sound_header(const std::string& where, const Raw& raw);

struct SoundWish {
  int32_t rate = 16000;
  int64_t longest = 0;  // samples at that rate, at most
  int64_t channel = 0;  // the number of one; 0: the mean of all
  double trim = 0;      // decibels below the loudest part that are silence; 0: none is taken away
};
/// At least one sample. Throws Error{data}: cut short, no sound in it, values that are no numbers, a channel or a part
/// that is not there.
std::vector<float> read_sound(const std::string& where, const Raw& raw, const SoundWish& wish);

/// A WAV file of 16 bits, one channel.
std::string wav_of(const std::vector<float>& samples, int32_t rate);

}  // namespace fewlabel
