#include <fmt/format.h>

#include <algorithm>

#include "eval/encoder_tensors.h"
#include "fewlabel/error.h"
#include "modalities/text/modality.h"

namespace fewlabel {
namespace {

/// What the parts of a block are called.
struct TextNames {
  std::string embeddings, block;  // before the number
  std::string query, key, value, out, norm1, wide, narrow, norm2, norm = "LayerNorm";
};
TextNames names_of(const std::string& architecture) {
  if (architecture == "distilbert")
    return {"embeddings.",       "transformer.layer.", "attention.q_lin", "attention.k_lin", "attention.v_lin",
            "attention.out_lin", "sa_layer_norm",      "ffn.lin1",        "ffn.lin2",        "output_layer_norm"};
  if (architecture == "mpnet")
    return {"embeddings.",      "encoder.layer.",      "attention.attn.q",   "attention.attn.k", "attention.attn.v",
            "attention.attn.o", "attention.LayerNorm", "intermediate.dense", "output.dense",     "output.LayerNorm"};
  return {"embeddings.",          "encoder.layer.",         "attention.self.query",       "attention.self.key",
          "attention.self.value", "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense",
          "output.dense",         "output.LayerNorm"};
}

/// What stands before all names where a file also has a head.
std::string prefix_of(const std::string& architecture) {
  const bool roberta = architecture == "xlm-roberta" || architecture == "camembert";
  return (roberta ? "roberta" : architecture) + ".";
}

}  // namespace

/// BERT (arXiv:1810.04805), RoBERTa (arXiv:1907.11692) with XLM-RoBERTa (arXiv:1911.02116) and CamemBERT
/// (arXiv:1911.03894), DistilBERT (arXiv:1910.01108), ELECTRA (arXiv:2003.10555) and MPNet (arXiv:2004.09297): one net
/// under several sets of names. The type of a token, which only pairs of texts need, is that of the first text and goes
/// into the places.
std::vector<std::string> fill_bert(EncoderTensors& from, const TensorMap& net, const EncoderCard& card,
                                   const Layout& layout) {
  const std::string prefix = from.any("embeddings.") ? "" : prefix_of(card.architecture);
  const TextNames names = names_of(card.architecture);
  const Tensor& token = net.at("token.weight");
  const int64_t narrow = token.size(1), length = layout.sizes.at(0);
  const std::string at = prefix + names.embeddings;
  // Ours has its special tokens in front (fewlabel/layout.h); those that the tokenizer lacks have no row there.
  const std::vector<int32_t> theirs = token_order(Tokenizer::read(card.tokenizer));
  const c10::IntArrayRef table = from.sizes(at + "word_embeddings.weight");
  const int32_t largest = *std::max_element(theirs.begin(), theirs.end());
  if (table.empty() || largest >= table[0])
    from.fail(fmt::format("embeds {} tokens, and tokenizer.json has {}", table.empty() ? 0 : table[0], largest + 1));
  const Tensor words = from.take(at + "word_embeddings.weight", {table[0], narrow});
  if (static_cast<int64_t>(theirs.size()) != token.size(0))
    from.fail(fmt::format("texts were read by another tokenizer, of {} tokens", token.size(0)));
  Tensor rows = torch::zeros({token.size(0), narrow});
  for (std::size_t k = 0; k < theirs.size(); ++k)
    if (theirs[k] >= 0) rows[static_cast<int64_t>(k)].copy_(words[theirs[k]]);
  Tensor(token).copy_(rows);

  const int64_t first = card.first_place;
  const int64_t places = from.sizes(at + "position_embeddings.weight").at(0);
  if (first + length > places)
    throw Error(ErrorKind::usage, "data.length",
                fmt::format("= {}: {} has places for {} tokens", length, card.name, places - first),
                fmt::format("leave it out, or give no more than {}", places - first));
  Tensor place = from.take(at + "position_embeddings.weight", {places, narrow}).slice(0, first, first + length);
  if (from.has(at + "token_type_embeddings.weight")) {
    const int64_t types = from.sizes(at + "token_type_embeddings.weight").at(0);
    place = place + from.take(at + "token_type_embeddings.weight", {types, narrow})[0];
  }
  Tensor(net.at("place.weight")).copy_(place);

  from.copy(net, "norm", at + "LayerNorm");
  if (net.contains("widen.weight")) from.copy(net, "widen", prefix + "embeddings_project");
  if (net.contains("transformer.relative.weight")) {
    const Tensor& relative = net.at("transformer.relative.weight");
    Tensor(relative).copy_(from.take(prefix + "encoder.relative_attention_bias.weight", relative.sizes()));
  }
  for (int64_t i = 0; net.contains(fmt::format("transformer.block{}_out.weight", i)); ++i) {
    const std::string ours = fmt::format("transformer.block{}_", i),
                      there = fmt::format("{}{}{}.", prefix, names.block, i);
    from.copy_joined(net, ours + "qkv", {there + names.query, there + names.key, there + names.value});
    from.copy(net, ours + "out", there + names.out);
    from.copy(net, ours + "norm1", there + names.norm1);
    from.copy(net, ours + "wide", there + names.wide);
    from.copy(net, ours + "narrow", there + names.narrow);
    from.copy(net, ours + "norm2", there + names.norm2);
  }
  return from.leave_out({prefix + "pooler.", prefix + "embeddings.position_ids", "cls.", "lm_head.", "classifier.",
                         "vocab_", "qa_outputs.", "pre_classifier.", "pooler.", "discriminator_predictions.",
                         "generator_predictions.", "generator_lm_head."});
}

}  // namespace fewlabel
