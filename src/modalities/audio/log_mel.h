// Log-mel spectrograms, several frames at once in the lanes of the processor. Values as torchaudio's MelSpectrogram
// (HTK mels, no norm, power 2, periodic Hann window, centred with reflection), then log(x + 1e-6).
#pragma once
#include <cstdint>
#include <vector>

#include "modalities/audio/front_end.h"

namespace fewlabel {

namespace audio {

/// One call of LogMel::apply, as the processor's instruction sets get it.
struct Task {
  const float* padded;  // samples with size / 2 reflected ones on either side
  int64_t frames, hop, size, mels;
  const float *hann, *cosine, *sine;
  const int32_t *first, *begin;
  const float* weights;
  float* work;  // room for 4 × size × 16 values
  float* out;
};

}  // namespace audio

/// Immutable; thread-safe.
class LogMel {
 public:
  LogMel(const FrontEnd& front, int32_t rate);
  int64_t mels() const { return mels_; }
  int64_t hop() const { return hop_; }
  /// Of the Fourier transform: a power of two that holds the window, and so long that no band is empty.
  int64_t fft_size() const { return size_; }
  /// `samples`: frames × hop values; `out`: mels × frames.
  void apply(const float* samples, int64_t frames, float* out) const;

 private:
  int64_t mels_, hop_, window_, size_ = 0;
  std::vector<float> hann_;           // size_ values, 0 beside the window
  std::vector<float> cosine_, sine_;  // of -2π k / size_
  std::vector<int32_t> first_;        // first bin of each band
  std::vector<int32_t> begin_;        // where its weights begin; one more than there are bands
  std::vector<float> weights_;
};

/// HTK's scale.
double mel_of(double hertz);
double hertz_of(double mel);

/// What the log of silence is.
inline constexpr float kMelFloor = 1e-6F;

}  // namespace fewlabel
