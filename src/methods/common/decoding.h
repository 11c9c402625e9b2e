// From what a net says of each frame of a recording to symbols. Free of libtorch.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace fewlabel {

/// Symbols of one recording's answer: log-probabilities, frames × symbols, of which symbol 0 is the blank (Graves et
/// al., ICML 2006, section 3).
struct Emissions {
  std::span<const float> log_probability;
  int64_t frames = 0, symbols = 0;
  float at(int64_t frame, int64_t symbol) const {
    return log_probability[static_cast<std::size_t>(frame * symbols + symbol)];
  }
};

/// Symbols without blanks, and the probability that is claimed for them.
struct Decoded {
  std::vector<int32_t> symbols;
  double log_probability = 0;
};

/// The likeliest symbol of each frame, repetitions and blanks taken out. Its log-probability is that of this one path.
Decoded decode_greedily(const Emissions& emissions);
/// Prefix search with a beam (Hannun et al. 2014, arXiv:1408.2873, algorithm 1, without a language model): sums over
/// all the paths that say the same. `beam`: prefixes that are kept, at least 1.
Decoded decode_by_beam(const Emissions& emissions, int64_t beam);

}  // namespace fewlabel
