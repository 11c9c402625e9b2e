#include "eval/encoder.h"

#include <fmt/format.h>

#include "eval/encoder_tensors.h"
#include "fewlabel/error.h"
#include "train/module_state.h"

namespace fewlabel {
namespace {

/// By the name of our net.
FillNet* filler(const std::string& net) {
  if (net == "bert" || net == "mpnet") return fill_bert;
  if (net == "whisper") return fill_whisper;
  return net == "speech_encoder" ? fill_speech_encoder : fill_same;
}

}  // namespace

InitialNet load_encoder(const EncoderCard& card, const Layout& layout) {
  const torch::NoGradGuard no_gradient;
  if (layout.kind != card.kind)
    throw Error(ErrorKind::usage, "encoder",
                fmt::format("{} is of {}s, and the examples are {}s", card.name, word_for_one(card.kind),
                            word_for_one(layout.kind)));
  InitialNet initial{make_net(card.net, layout, 0, 0), {}, card.name, card.title, encoder_hash(card), card.folder};
  std::vector<std::string> left;
  if (card.architecture != "onnx") {  // whose net is made with them
    EncoderTensors from(card, read_safetensors(card.folder / card.files.front()));
    left = filler(card.net.name.value_or(""))(from, state_of(*initial.net), card, layout);
  }
  if (!card.licence.empty()) initial.method += ", " + card.licence;
  if (!left.empty()) initial.method += fmt::format(", without {} of its tensors ({} …)", left.size(), left.front());
  return initial;
}

}  // namespace fewlabel
