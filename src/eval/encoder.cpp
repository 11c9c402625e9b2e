#include "eval/encoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "eval/encoder_tensors.h"
#include "fewlabel/error.h"
#include "modalities/text/modality.h"
#include "onnx/graph.h"
#include "train/module_state.h"

namespace fewlabel {
namespace {

/// By the name of our net.
FillNet* filler(const std::string& net) {
  if (net == "bert" || net == "mpnet") return fill_bert;
  if (net == "vision_transformer") return fill_vision_transformer;
  if (net == "resnet") return fill_resnet;
  if (net == "convnext") return fill_convnext;
  if (net == "speech_encoder") return fill_speech_encoder;
  if (net == "whisper") return fill_whisper;
  return fill_same;
}

/// Of all its files.
TensorMap tensors_of(const EncoderCard& card) {
  TensorMap tensors;
  for (const std::string& file : card.files) {
    TensorMap part = read_safetensors(card.folder / file);
    tensors.merge(part);
    if (!part.empty())
      throw Error(
          ErrorKind::data, (card.folder / file).string(),
          fmt::format("holds '{}', which another file of the encoder holds, too", printable(part.begin()->first)),
          "get the encoder again");
  }
  return tensors;
}

/// An ONNX net of texts has a list of its tokens' ids by ours (fewlabel/layout.h). A special token that it lacks is one
/// that it does not know.
void fill_token_ids(const EncoderCard& card, const TensorMap& net, const Layout& layout) {
  const std::vector<int32_t> theirs = token_order(Tokenizer::read(card.tokenizer));
  if (static_cast<int64_t>(theirs.size()) != layout.vocabulary)
    throw Error(ErrorKind::data, card.tokenizer,
                fmt::format("has {} tokens, and texts were read by another tokenizer, of {}", theirs.size(),
                            layout.vocabulary));
  Tensor ids = torch::tensor(theirs, torch::kLong);
  const int64_t unknown = std::max<int64_t>(ids[kUnknown].item<int64_t>(), 0);
  Tensor(net.at("token_ids")).copy_(ids.masked_fill(ids.lt(0), unknown));
}

}  // namespace

int64_t only_size(const EncoderCard& card) {
  if (card.architecture != "onnx" || card.kind == Kind::audio) return 0;
  const auto graph =
      onnx::read_graph(card.folder / card.files.front(), onnx::Weights::in_file, card.kind == Kind::image ? 1 : 3);
  int64_t only = 0;
  for (const onnx::OnnxValue& input : graph.inputs) {
    const std::size_t rank = card.kind == Kind::image ? 4 : 2;
    if (input.sizes.size() == rank && input.sizes[rank - 1] > 0) only = input.sizes[rank - 1];
  }
  return only;
}

InitialNet load_encoder(const EncoderCard& card, const Layout& layout) {
  const torch::NoGradGuard no_gradient;
  if (layout.kind != card.kind)
    throw Error(ErrorKind::usage, "encoder",
                fmt::format("{} is of {}s, and the examples are {}s", card.name, word_for_one(card.kind),
                            word_for_one(layout.kind)));
  InitialNet initial{make_net(card.net, layout, 0, 0), {}, card.name, card.title, encoder_hash(card), card.folder};
  std::vector<std::string> left;
  if (card.architecture != "onnx") {  // whose net is made with them
    EncoderTensors from(card, tensors_of(card));
    left = filler(card.net.name.value_or(""))(from, state_of(*initial.net), card, layout);
  }
  if (card.architecture == "onnx" && card.kind == Kind::text) fill_token_ids(card, state_of(*initial.net), layout);
  if (!card.licence.empty()) initial.method += ", " + card.licence;
  if (!left.empty()) initial.method += fmt::format(", without {} of its tensors ({} …)", left.size(), left.front());
  return initial;
}

}  // namespace fewlabel
