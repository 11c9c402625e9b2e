// How a recording becomes what a net sees: the part that is looked at, and its log-mel spectrogram. Free of libtorch.
#pragma once
#include <cstdint>

#include "fewlabel/layout.h"

namespace fewlabel {

struct FrontEnd {
  int64_t mels = 64;                   // bands; 0: the samples themselves
  double window_ms = 25, hop_ms = 10;  // of the short-time Fourier transform
  double trim = 0;                     // silence this many decibels below the loudest part goes; 0: nothing does
  int64_t channel = 0;                 // the number of one; 0: the mean of all
  bool cmn = true;                     // every band less its mean over the recording: cepstral mean normalisation
  bool operator==(const FrontEnd&) const = default;

  int64_t hop(int32_t rate) const;     // in samples, at least 1
  int64_t window(int32_t rate) const;  // in samples, at least 2
  /// What a net sees of `samples` samples, rounded up to whole hops: {mels, frames, 1}, or {samples}. `longest`:
  /// samples that are kept of a recording.
  Layout seen(int64_t samples, int32_t rate, int64_t longest) const;
  /// Samples that a view of that layout is made of.
  int64_t samples(const Layout& seen) const;
};

}  // namespace fewlabel
