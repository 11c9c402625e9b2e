// Log-mel spectrograms as Whisper was trained on them; those of the house (modalities/audio/log_mel.h) have another
// scale, another floor and no largest.
#pragma once
#include <torch/torch.h>

#include "fewlabel/net.h"

namespace fewlabel {

inline constexpr int64_t kWhisperHop = 160, kWhisperWindow = 400, kWhisperRate = 16'000;

/// Hann window of 25 ms every 10 ms, centred with reflection; Slaney's mels up to 8 kHz, each of one area; log10 from
/// 1e-10 on, no lower than 8 below the largest of the recording; (x + 4) / 4.
class WhisperMel {
 public:
  explicit WhisperMel(int64_t bands);
  /// samples M × T, T > 200 and divided by the hop → M × bands × T / 160; fp32.
  Tensor of(const Tensor& samples) const;

 private:
  Tensor waves_;    // window × 2 frequencies: cosines, then sines, weighted by the window; fp64
  Tensor weights_;  // frequencies × bands; fp64
};

}  // namespace fewlabel
