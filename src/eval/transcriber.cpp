#include "eval/transcriber.h"

#include <torch/torch.h>

#include <cmath>

#include "methods/common/ctc.h"
#include "methods/common/decoding.h"

namespace fewlabel {

Tensor flat_emissions(NetModule& net, const Tensor& x) { return emissions_of(net, x).flatten(1); }

std::vector<Transcript> transcripts_of(const Tensor& flat, const std::vector<std::string>& alphabet, int64_t beam) {
  const Tensor plain = flat.to(torch::kFloat).cpu().contiguous();
  const auto symbols = static_cast<int64_t>(alphabet.size());
  const int64_t each = plain.dim() == 2 ? plain.size(1) : 0;
  std::vector<Transcript> transcripts(static_cast<std::size_t>(plain.size(0)));
  at::parallel_for(0, plain.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Emissions emissions{
          {plain.data_ptr<float>() + i * each, static_cast<std::size_t>(each)}, each / symbols, symbols};
      const Decoded decoded = beam > 1 ? decode_by_beam(emissions, beam) : decode_greedily(emissions);
      Transcript& transcript = transcripts[static_cast<std::size_t>(i)];
      for (const int32_t symbol : decoded.symbols) transcript.text += alphabet[static_cast<std::size_t>(symbol)];
      transcript.probability = std::exp(decoded.log_probability);
    }
  });
  return transcripts;
}

}  // namespace fewlabel
