// What the methods that learn from transcripts share: connectionist temporal classification (Graves et al., ICML 2006).
#pragma once
#include <torch/torch.h>

#include <string>
#include <vector>

#include "fewlabel/method.h"

namespace fewlabel {

using Symbols = std::vector<std::vector<int32_t>>;  // of several recordings; 0 is the blank and in none of them

/// How these methods are trained where a recipe does not say: plain SGD stays for long where every frame is blank.
Json ctc_settings();

/// Throws Error{usage} where the net says nothing of single frames.
const Net& need_frames(const Net& net, const std::string& method);

/// Whether each of `frames` lies between the first and the last that hold sound: N × frames, bool. What is silence to
/// the last bit has one value throughout (modalities/audio/views.h). x: spectrograms or samples.
Tensor sounding(const Tensor& x, int64_t frames);

/// Log-probabilities of the symbols for each frame, N × frames × symbols, fp32, of a net that encodes frames.
Tensor emissions_of(NetModule& net, const Tensor& x);

/// −log p(symbols | emissions) a symbol, of each recording: N. 0, without a gradient, where there are more symbols than
/// frames could say, or none.
Tensor ctc_each(const Tensor& emissions, const Symbols& symbols);

/// What is transcribed, by the position in the labelled pool.
Symbols at_positions(const Symbols& transcripts, const Tensor& index);

/// The likeliest symbol of each frame, and how sure that is on average over the frames, each by its probability of
/// being no blank: one transcript a recording.
struct Heard {
  Symbols symbols;
  Tensor confidence;  // N, on the device of the emissions
};
Heard hear(const Tensor& emissions);

}  // namespace fewlabel
