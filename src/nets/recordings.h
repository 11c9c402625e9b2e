// Recordings of different lengths, for encoders that were trained on whole ones. A view that is longer than its
// recording has silence on both sides (modalities/audio/views.h), which such a net must not hear: each recording is
// taken out of it and seen by itself.
#pragma once
#include <torch/torch.h>

#include <functional>

#include "nets/bert.h"

namespace fewlabel {

/// Samples, M × L of one length → their frames, M × F × W.
using FramesOf = std::function<Tensor(const Tensor& samples)>;

/// x: N × T samples → N × W: the mean over the frames of each recording, which the transformer has read in each other's
/// light. A recording has no zeros at its ends; one of zeros alone is all of them.
/// Packed (nets/tokens.h) where x is on the CPU, unless it is said.
Tensor features_of_recordings(const Tensor& x, const FramesOf& frames_of, TextTransformer& transformer);
Tensor features_of_recordings(const Tensor& x, const FramesOf& frames_of, TextTransformer& transformer, bool packed);

/// Of a SpeechShape or a WhisperShape.
template <typename Shape>
TextTransformerPlan recordings_plan(const Shape& shape, const NetConfig& config, bool norm_first) {
  return {.width = shape.width,
          .depth = shape.blocks,
          .heads = shape.heads,
          .inner = shape.inner,
          .eps = config.eps,
          .norm_first = norm_first,
          .dropout = config.inner_dropout};
}

/// NetModule::noise(): none where a recording is silent to the last bit, so that it keeps its length.
Tensor noise_of_recordings(const Tensor& x);

}  // namespace fewlabel
