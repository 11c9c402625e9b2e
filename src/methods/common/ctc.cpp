#include "methods/common/ctc.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "fewlabel/error.h"
#include "methods/common/decoding.h"

namespace fewlabel {

namespace {

constexpr float kImpossible = -1e4F;  // a log-probability, finite so that gradients are

}  // namespace

Tensor sounding(const Tensor& x, int64_t frames) {
  const torch::NoGradGuard no_grad;
  // Samples beside a recording are all the same, and those of a recording hardly are.
  const Tensor change = x.dim() == 4 ? x.amax({1, 2}) - x.amin({1, 2}) : x - torch::roll(x, 1, 1);
  const Tensor heard = change.ne(0).to(torch::kFloat).unsqueeze(1);
  const Tensor parts = std::get<0>(torch::adaptive_max_pool1d(heard, frames)).squeeze(1);
  const Tensor begun = std::get<0>(parts.cummax(1)), unfinished = std::get<0>(parts.flip(1).cummax(1)).flip(1);
  return (begun * unfinished).gt(0);
}

Json ctc_settings() {
  return {{"optimizer", {{"name", "adamw"}, {"lr", 3e-3}, {"weight_decay", 0.01}, {"clip", 1.0}}},
          {"train", {{"batch", 16}}}};
}

const Net& need_frames(const Net& net, const std::string& method) {
  if (dynamic_cast<FrameEncoder*>(net.get())) return net;
  throw Error(ErrorKind::usage, "method " + method, "the net says nothing of single moments of a recording",
              "use net=tc_resnet, or net=wav2vec2 on samples");
}

Tensor emissions_of(NetModule& net, const Tensor& x) {
  const Tensor frames = dynamic_cast<FrameEncoder&>(net).frames(x);
  const Tensor logits = net.classify(frames.reshape({-1, frames.size(2)}));
  const Tensor said = logits.view({frames.size(0), frames.size(1), -1}).to(torch::kFloat).log_softmax(2);
  // Beside a recording nothing can be heard: without that the first and the last symbol settle in the silence there.
  const Tensor blank = torch::full({said.size(2)}, kImpossible, said.options());
  blank[0] = 0;
  return torch::where(sounding(x, frames.size(1)).unsqueeze(2), said, blank);
}

Tensor ctc_each(const Tensor& emissions, const Symbols& symbols) {
  const auto count = static_cast<int64_t>(symbols.size());
  std::vector<int64_t> frames(symbols.size(), emissions.size(1)), lengths, flat;
  for (const std::vector<int32_t>& transcript : symbols) {
    lengths.push_back(static_cast<int64_t>(transcript.size()));
    flat.insert(flat.end(), transcript.begin(), transcript.end());
  }
  if (flat.empty()) return emissions.sum({1, 2}) * 0;
  const Tensor loss = torch::ctc_loss(emissions.transpose(0, 1), torch::tensor(flat, torch::kLong), frames, lengths,
                                      /*blank=*/0, at::Reduction::None, /*zero_infinity=*/true);
  const Tensor length = torch::tensor(lengths, torch::kLong).to(emissions.device());
  // An empty transcript would teach blanks alone.
  return torch::where(length.gt(0), loss / length.clamp_min(1).to(torch::kFloat),
                      torch::zeros({count}, loss.options()));
}

Symbols at_positions(const Symbols& transcripts, const Tensor& index) {
  const Tensor positions = index.cpu().contiguous();
  Symbols chosen;
  for (int64_t i = 0; i < positions.numel(); ++i)
    chosen.push_back(transcripts.at(static_cast<std::size_t>(positions.data_ptr<int64_t>()[i])));
  return chosen;
}

Heard hear(const Tensor& emissions) {
  const Tensor plain = emissions.detach().to(torch::kFloat).cpu().contiguous();
  const int64_t frames = plain.size(1), symbols = plain.size(2);
  const auto each = static_cast<std::size_t>(frames * symbols);
  Heard heard;
  for (int64_t i = 0; i < plain.size(0); ++i) {
    const float* begin = plain.data_ptr<float>() + i * frames * symbols;
    heard.symbols.push_back(decode_greedily({{begin, each}, frames, symbols}).symbols);
  }
  // Most frames are blank for sure, in silence and between symbols, and say nothing of how sure the net is; one that
  // may be a symbol counts by as much, also where it is called a blank: what is left out is a mistake as well.
  const Tensor p = emissions.detach().exp(), said = 1 - p.select(2, 0);
  heard.confidence = (p.amax(2) * said).sum(1) / said.sum(1).clamp_min(1e-6);
  return heard;
}

}  // namespace fewlabel
