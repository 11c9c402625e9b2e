// BERT and its kin (Hugging Face): DistilBERT, ELECTRA, and those that count places from the padding's id on, RoBERTa,
// XLM-RoBERTa, CamemBERT and MPNet.
#include <fmt/format.h>

#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {

namespace fs = std::filesystem;

void read_bert(EncoderCard& card, const Json& config) {
  card.kind = Kind::text;
  const int64_t blocks = config_number(card, config, {"num_hidden_layers", "n_layers"}, 200);
  const int64_t width = config_number(card, config, {"hidden_size", "dim"}, 1 << 14);
  const int64_t heads = config_number(card, config, {"num_attention_heads", "n_heads"}, 1 << 10);
  const int64_t inner = config_number(card, config, {"intermediate_size", "hidden_dim"}, 1 << 16);
  if (width % heads != 0)
    refuse_encoder(card.folder,
                   fmt::format("config.json says {} heads for a width of {}, which they do not divide", heads, width));
  const int64_t places = config_number(card, config, {"max_position_embeddings"}, 1 << 16);
  expect_word(card, config, config.contains("hidden_act") ? "hidden_act" : "activation", "gelu");
  expect_word(card, config, "position_embedding_type", "absolute");
  const std::string& name = card.architecture;
  const bool relative = name == "mpnet";
  if (relative || name == "roberta" || name == "xlm-roberta" || name == "camembert") {
    const Json padding = config.value("pad_token_id", Json(1));
    const bool whole = padding.is_number_integer() && padding.get<int64_t>() >= 0;
    if (!whole || padding.get<int64_t>() + 1 >= places || (relative && padding.get<int64_t>() != 1))
      refuse_encoder(card.folder, fmt::format("config.json says pad_token_id = {}", padding.dump()));
    card.first_place = padding.get<int64_t>() + 1;
  }
  if (relative && config.contains("relative_attention_num_buckets") && config["relative_attention_num_buckets"] != 32)
    refuse_encoder(card.folder,
                   fmt::format("config.json says relative_attention_num_buckets = {}, and only 32 is known "
                               "here",
                               config["relative_attention_num_buckets"].dump()));
  expect_weights(card,
                 static_cast<double>(blocks) * static_cast<double>(width) * static_cast<double>(4 * width + 2 * inner));
  card.net.name = relative ? "mpnet" : "bert";
  card.net.shape = fmt::format("{}x{}x{}x{}", blocks, width, heads, inner);
  if (name == "electra" && config.contains("embedding_size"))
    card.net.shape += fmt::format("x{}", config_number(card, config, {"embedding_size"}, 1 << 14));
  card.net.norm = "post";
  card.net.eps = config_eps(card, config, 1e-12);
  read_sentence_modules(card);
  const fs::path tokenizer = card.folder / "tokenizer.json";
  if (!fs::exists(tokenizer))
    refuse_encoder(card.folder, "tokenizer.json is missing",
                   "save it there with the `transformers` library: tokenizer.save_pretrained");
  card.tokenizer = tokenizer.string();
}

}  // namespace fewlabel
