#include "eval/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.h"
#include "fewlabel/error.h"
#include "modalities/text/modality.h"
#include "train/module_state.h"
#include "train/safetensors.h"

namespace fewlabel {
namespace {

/// Tensors of an encoder's file, each of which is to be used or left out by name.
class Tensors {
 public:
  Tensors(const EncoderCard& card, TensorMap tensors) : card_(card), tensors_(std::move(tensors)) {}

  /// Takes one away. Any type of numbers, as fp32.
  Tensor take(const std::string& name, c10::IntArrayRef sizes) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) fail(fmt::format("'{}' is missing", name));
    const Tensor tensor = found->second;
    if (tensor.sizes() != sizes)
      fail(fmt::format("'{}' has the shape {}, wanted {}", name, shape(tensor.sizes()), shape(sizes)));
    tensors_.erase(found);
    return tensor.to(torch::kFloat);
  }
  bool has(const std::string& name) const { return tensors_.contains(name); }
  c10::IntArrayRef sizes(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) fail(fmt::format("'{}' is missing", name));
    return found->second.sizes();
  }
  /// What is not needed, by the beginnings of names. Throws for what is left then.
  std::vector<std::string> leave_out(const std::vector<std::string>& beginnings) {
    std::vector<std::string> left;
    for (const auto& [name, tensor] : tensors_) {
      const bool known = std::any_of(beginnings.begin(), beginnings.end(),
                                     [&name = name](const std::string& start) { return name.starts_with(start); });
      if (!known) fail(fmt::format("'{}' belongs to no part that is known here", printable(name)));
      left.push_back(name);
    }
    return left;
  }
  /// Whether any name begins so.
  bool any(const std::string& beginning) const {
    const auto found = tensors_.lower_bound(beginning);
    return found != tensors_.end() && found->first.starts_with(beginning);
  }
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorKind::data, (card_.folder / card_.files.front()).string(), message,
                fmt::format("it is no {} as config.json describes it: get it again", card_.architecture));
  }

 private:
  static std::string shape(c10::IntArrayRef sizes) {
    std::vector<std::string> parts;
    for (const int64_t size : sizes) parts.push_back(std::to_string(size));
    return "[" + join(parts, ", ") + "]";
  }
  const EncoderCard& card_;
  TensorMap tensors_;
};

/// What the parts of a block are called.
struct TextNames {
  std::string embeddings, block;  // before the number
  std::string query, key, value, out, norm1, wide, narrow, norm2, norm = "LayerNorm";
};
TextNames names_of(const std::string& architecture) {
  if (architecture == "distilbert")
    return {"embeddings.",       "transformer.layer.", "attention.q_lin", "attention.k_lin", "attention.v_lin",
            "attention.out_lin", "sa_layer_norm",      "ffn.lin1",        "ffn.lin2",        "output_layer_norm"};
  return {"embeddings.",          "encoder.layer.",         "attention.self.query",       "attention.self.key",
          "attention.self.value", "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense",
          "output.dense",         "output.LayerNorm"};
}

/// BERT (arXiv:1810.04805), RoBERTa (arXiv:1907.11692) and DistilBERT (arXiv:1910.01108): one net under three sets of
/// names. The type of a token, which only pairs of texts need, is that of the first text and goes into the places.
std::vector<std::string> fill_text(Tensors& from, const TensorMap& net, const EncoderCard& card, const Layout& layout) {
  const std::string prefix = from.any("embeddings.") ? "" : card.architecture + ".";
  const TextNames names = names_of(card.architecture);
  const Tensor& token = net.at("token.weight");
  const int64_t width = token.size(1), length = layout.sizes.at(0);
  const std::string at = prefix + names.embeddings;
  // Ours has its special tokens in front (fewlabel/layout.h); those that the tokenizer lacks have no row there.
  const std::vector<int32_t> theirs = token_order(Tokenizer::read(card.tokenizer));
  const c10::IntArrayRef table = from.sizes(at + "word_embeddings.weight");
  const int32_t largest = *std::max_element(theirs.begin(), theirs.end());
  if (table.empty() || largest >= table[0])
    from.fail(fmt::format("embeds {} tokens, and tokenizer.json has {}", table.empty() ? 0 : table[0], largest + 1));
  const Tensor words = from.take(at + "word_embeddings.weight", {table[0], width});
  if (static_cast<int64_t>(theirs.size()) != token.size(0))
    from.fail(fmt::format("texts were read by another tokenizer, of {} tokens", token.size(0)));
  Tensor rows = torch::zeros({token.size(0), width});
  for (std::size_t k = 0; k < theirs.size(); ++k)
    if (theirs[k] >= 0) rows[static_cast<int64_t>(k)].copy_(words[theirs[k]]);
  Tensor(token).copy_(rows);

  const int64_t first = card.first_place;
  const int64_t places = from.sizes(at + "position_embeddings.weight").at(0);
  if (first + length > places)
    throw Error(ErrorKind::usage, "data.length",
                fmt::format("= {}: {} has places for {} tokens", length, card.name, places - first),
                fmt::format("leave it out, or give no more than {}", places - first));
  Tensor place = from.take(at + "position_embeddings.weight", {places, width}).slice(0, first, first + length);
  if (from.has(at + "token_type_embeddings.weight")) {
    const int64_t types = from.sizes(at + "token_type_embeddings.weight").at(0);
    place = place + from.take(at + "token_type_embeddings.weight", {types, width})[0];
  }
  Tensor(net.at("place.weight")).copy_(place);

  const auto copy = [&](const std::string& ours, const std::string& name) {
    for (const char* part : {".weight", ".bias"}) {
      const Tensor& to = net.at(ours + part);
      Tensor(to).copy_(from.take(name + part, to.sizes()));
    }
  };
  copy("norm", at + "LayerNorm");
  for (int64_t i = 0; net.contains(fmt::format("transformer.block{}_out.weight", i)); ++i) {
    const std::string ours = fmt::format("transformer.block{}_", i),
                      there = fmt::format("{}{}{}.", prefix, names.block, i);
    for (const char* part : {".weight", ".bias"}) {
      const bool matrix = part[1] == 'w';
      const std::vector<int64_t> sizes = matrix ? std::vector<int64_t>{width, width} : std::vector<int64_t>{width};
      std::vector<Tensor> three;
      for (const std::string& name : {names.query, names.key, names.value})
        three.push_back(from.take(there + name + part, sizes));
      Tensor(net.at(ours + "qkv" + part)).copy_(torch::cat(three));
    }
    copy(ours + "out", there + names.out);
    copy(ours + "norm1", there + names.norm1);
    copy(ours + "wide", there + names.wide);
    copy(ours + "narrow", there + names.narrow);
    copy(ours + "norm2", there + names.norm2);
  }
  return from.leave_out({prefix + "pooler.", prefix + "embeddings.position_ids", "cls.", "lm_head.", "classifier.",
                         "vocab_", "qa_outputs.", "pre_classifier.", "pooler."});
}

/// Nets whose parts are called as they are there.
std::vector<std::string> fill_same(Tensors& from, const TensorMap& net) {
  for (const auto& [name, tensor] : net) {
    if (name.starts_with("head.")) continue;
    if (tensor.scalar_type() == torch::kLong) {  // batch norm's count of batches, which not everybody saves
      if (from.has(name)) from.take(name, tensor.sizes());
      continue;
    }
    Tensor(tensor).copy_(from.take(name, tensor.sizes()));
  }
  return from.leave_out({"classifier.", "head.", "fc."});
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
    Tensors from(card, read_safetensors(card.folder / card.files.front()));
    const TensorMap state = state_of(*initial.net);
    left = card.kind == Kind::text ? fill_text(from, state, card, layout) : fill_same(from, state);
  }
  if (!card.licence.empty()) initial.method += ", " + card.licence;
  if (!left.empty()) initial.method += fmt::format(", without {} of its tensors ({} …)", left.size(), left.front());
  return initial;
}

}  // namespace fewlabel
