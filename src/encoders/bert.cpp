// BERT, DistilBERT and RoBERTa (Hugging Face), and what sentence-transformers puts behind them.
#include <fmt/format.h>

#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {

namespace fs = std::filesystem;

/// Layers in a row that sentence-transformers puts behind a net: how it pools, and what else is done.
void read_pooling(EncoderCard& card) {
  card.net.pool = "mean";
  const fs::path pooling = card.folder / "1_Pooling" / "config.json";
  if (!fs::exists(pooling)) return;
  const Json modes = read_encoder_json(pooling);
  const auto is = [&](const char* name) { return modes.contains(name) && modes[name] == true; };
  if (is("pooling_mode_cls_token"))
    card.net.pool = "first";
  else if (!is("pooling_mode_mean_tokens"))
    refuse_encoder(card.folder, "1_Pooling/config.json pools in another way than by the mean or the first token",
                   "only those two are known here");
}

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
  if (card.architecture == "roberta") {  // counts places from the padding's id on
    const Json padding = config.value("pad_token_id", Json(1));
    if (!padding.is_number_integer() || padding.get<int64_t>() < 0 || padding.get<int64_t>() + 1 >= places)
      refuse_encoder(card.folder, fmt::format("config.json says pad_token_id = {}", padding.dump()));
    card.first_place = padding.get<int64_t>() + 1;
  }
  expect_weights(card,
                 static_cast<double>(blocks) * static_cast<double>(width) * static_cast<double>(4 * width + 2 * inner));
  card.net.name = "bert";
  card.net.shape = fmt::format("{}x{}x{}x{}", blocks, width, heads, inner);
  card.net.norm = "post";
  card.net.eps = config_eps(card, config, 1e-12);
  read_pooling(card);
  const fs::path tokenizer = card.folder / "tokenizer.json";
  if (!fs::exists(tokenizer))
    refuse_encoder(card.folder, "tokenizer.json is missing",
                   "save it there with the `transformers` library: tokenizer.save_pretrained");
  card.tokenizer = tokenizer.string();
}

}  // namespace fewlabel
