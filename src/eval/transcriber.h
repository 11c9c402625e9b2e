// From a net that encodes frames to what it hears in recordings.
#pragma once
#include <string>
#include <vector>

#include "fewlabel/net.h"
#include "fewlabel/predictor.h"

namespace fewlabel {

inline constexpr int64_t kBeam = 16;  // prefixes that the search keeps

/// Log-probabilities of the symbols: N × (frames · symbols), as logits_of() takes answers. Of a net alone.
Tensor flat_emissions(NetModule& net, const Tensor& x);

/// `flat`: what flat_emissions() gave. `alphabet`: what each symbol is written as; the first is the blank. By prefix
/// search with a beam; 1 is greedy.
std::vector<Transcript> transcripts_of(const Tensor& flat, const std::vector<std::string>& alphabet,
                                       int64_t beam = kBeam);

}  // namespace fewlabel
