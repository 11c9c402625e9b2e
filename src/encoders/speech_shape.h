// What a transformer of samples is made of, as net.shape says it in one line.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace fewlabel {

/// wav2vec 2.0 and HuBERT: convolutions that turn samples into frames, then blocks of a transformer.
struct SpeechShape {
  struct Convolution {
    int64_t channels, kernel, stride;
  };
  int64_t blocks = 0, width = 0, heads = 0, inner = 0;
  std::vector<Convolution> convolutions;
  int64_t place_kernel = 0, place_groups = 0;  // of the convolution that tells where a frame stands
  bool group_norm = false;                     // behind the first convolution alone; else layer norm behind every one
  bool bias = false;                           // of the convolutions
  bool embedding_norm = false;                 // before frames are brought to `width`
  bool unit_variance = false;                  // each recording is brought to mean 0 and variance 1 first
};

/// "12x768x12x3072 512x10x5 512x3x2 places=128x16 group bias embedding_norm unit_variance".
std::string to_text(const SpeechShape& shape);
/// Throws Error{usage} for what to_text does not write, and for numbers beyond all reason.
SpeechShape speech_shape(const std::string& text);

/// Whisper's encoder.
struct WhisperShape {
  int64_t blocks = 0, width = 0, heads = 0, inner = 0, bands = 0, places = 0;
};

/// "4x384x6x1536x80x1500".
std::string to_text(const WhisperShape& shape);
WhisperShape whisper_shape(const std::string& text);

}  // namespace fewlabel
