// Encoders of samples (Hugging Face): wav2vec 2.0 and HuBERT, and Whisper's.
#include <fmt/format.h>

#include <algorithm>

#include "encoders/architectures.h"
#include "encoders/reading.h"
#include "encoders/speech_shape.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWidest = 1 << 14, kInnerWidest = 1 << 16, kMostBlocks = 200, kMostHeads = 1 << 10;

/// What is done to samples first; an object without keys where no file says it.
Json read_preprocessor(const EncoderCard& card) {
  if (const fs::path own = card.folder / "preprocessor_config.json"; fs::exists(own)) return read_encoder_json(own);
  if (const fs::path all = card.folder / "processor_config.json"; fs::exists(all)) {  // with the tokenizer's
    Json json = read_encoder_json(all);
    if (json.contains("feature_extractor") && json["feature_extractor"].is_object()) return json["feature_extractor"];
  }
  return Json::object();
}

bool config_flag(const EncoderCard& card, const Json& config, const char* name, bool otherwise) {
  if (!config.contains(name)) return otherwise;
  if (!config[name].is_boolean())
    refuse_encoder(card.folder,
                   fmt::format("its config says {} = {}: wanted true or false", name, config[name].dump()));
  return config[name].get<bool>();
}

/// Refuses another number than `wanted`; what is not said is taken to be.
void expect_number(const EncoderCard& card, const Json& config, const char* name, int64_t wanted) {
  if (config.contains(name) && config[name] != wanted)
    refuse_encoder(card.folder, fmt::format("its config says {} = {}, and only {} is known here", name,
                                            config[name].dump(), wanted));
}

void check_blocks(const EncoderCard& card, int64_t width, int64_t heads) {
  if (width % heads != 0)
    refuse_encoder(card.folder,
                   fmt::format("config.json says {} heads for a width of {}, which they do not divide", heads, width));
}

/// Weights of a transformer's blocks, for a look at the file's size.
double block_weights(int64_t blocks, int64_t width, int64_t inner) {
  return static_cast<double>(blocks) * static_cast<double>(width) * static_cast<double>(4 * width + 2 * inner);
}

void hear_samples(EncoderCard& card, int64_t rate) {
  card.kind = Kind::audio;
  card.rate = rate;
  card.mean = {0};  // samples come as they are
  card.deviation = {1};
}

}  // namespace

void read_wav2vec2(EncoderCard& card, const Json& config) {
  const Json before = read_preprocessor(card);
  constexpr int64_t kUsualRate = 16'000, kHighestRate = 192'000;
  hear_samples(card, before.contains("sampling_rate") ? config_number(card, before, {"sampling_rate"}, kHighestRate)
                                                      : kUsualRate);
  SpeechShape shape;
  shape.blocks = config_number(card, config, {"num_hidden_layers"}, kMostBlocks);
  shape.width = config_number(card, config, {"hidden_size"}, kWidest);
  shape.heads = config_number(card, config, {"num_attention_heads"}, kMostHeads);
  shape.inner = config_number(card, config, {"intermediate_size"}, kInnerWidest);
  check_blocks(card, shape.width, shape.heads);
  const std::vector<int64_t> channels = config_sizes(card, config, "conv_dim", kWidest);
  const std::vector<int64_t> kernels = config_sizes(card, config, "conv_kernel", 1 << 10);
  const std::vector<int64_t> strides = config_sizes(card, config, "conv_stride", 1 << 6);
  constexpr std::size_t kMostConvolutions = 32;
  if (channels.size() != kernels.size() || channels.size() != strides.size() || channels.size() > kMostConvolutions)
    refuse_encoder(card.folder, fmt::format("config.json says conv_dim of {} convolutions, conv_kernel of {} and "
                                            "conv_stride of {}",
                                            channels.size(), kernels.size(), strides.size()));
  double samples_a_frame = 1, weights = block_weights(shape.blocks, shape.width, shape.inner);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    shape.convolutions.push_back({channels[i], kernels[i], strides[i]});
    samples_a_frame *= static_cast<double>(strides[i]);
    weights += static_cast<double>(channels[i]) * static_cast<double>(kernels[i] * (i == 0 ? 1 : channels[i - 1]));
  }
  if (samples_a_frame > static_cast<double>(card.rate))
    refuse_encoder(card.folder, fmt::format("config.json says conv_stride = {}: frames of more than a second",
                                            config["conv_stride"].dump()));
  shape.place_kernel = config_number(card, config, {"num_conv_pos_embeddings"}, 1 << 12);
  shape.place_groups = config_number(card, config, {"num_conv_pos_embedding_groups"}, 1 << 12);
  if (shape.width % shape.place_groups != 0)
    refuse_encoder(card.folder, fmt::format("config.json says num_conv_pos_embedding_groups = {}, which do not divide "
                                            "the width of {}",
                                            shape.place_groups, shape.width));
  weights += static_cast<double>(shape.width) * static_cast<double>(shape.width / shape.place_groups) *
             static_cast<double>(shape.place_kernel);
  expect_weights(card, weights);
  const std::string norm = config_word(config, "feat_extract_norm", "group");
  if (norm != "group") expect_word(card, config, "feat_extract_norm", "layer");
  shape.group_norm = norm == "group";
  shape.bias = config_flag(card, config, "conv_bias", false);
  shape.embedding_norm = config_flag(card, config, "feat_proj_layer_norm", true);
  shape.unit_variance = config_flag(card, before, "do_normalize", true);
  expect_word(card, config, "hidden_act", "gelu");
  expect_word(card, config, "feat_extract_activation", "gelu");
  for (const char* other : {"conv_pos_batch_norm", "add_adapter"})
    if (config_flag(card, config, other, false))
      refuse_encoder(card.folder, fmt::format("config.json says {} = true, which is not known here", other));
  if (config.contains("adapter_attn_dim") && !config["adapter_attn_dim"].is_null())
    refuse_encoder(card.folder, "config.json says adapter_attn_dim: adapters of languages are not known here");

  card.net.name = "speech_encoder";
  card.net.shape = to_text(shape);
  card.net.norm = config_flag(card, config, "do_stable_layer_norm", false) ? "pre" : "post";
  card.net.eps = config_eps(card, config, 1e-5);
}

void read_whisper(EncoderCard& card, const Json& config) {
  hear_samples(card, 16'000);
  WhisperShape shape;
  shape.blocks = config_number(card, config, {"encoder_layers"}, kMostBlocks);
  shape.width = config_number(card, config, {"d_model"}, kWidest);
  shape.heads = config_number(card, config, {"encoder_attention_heads"}, kMostHeads);
  shape.inner = config_number(card, config, {"encoder_ffn_dim"}, kInnerWidest);
  shape.bands = config_number(card, config, {"num_mel_bins"}, 200);
  shape.places = config_number(card, config, {"max_source_positions"}, 1 << 14);
  check_blocks(card, shape.width, shape.heads);
  expect_word(card, config, "activation_function", "gelu");
  const Json before = read_preprocessor(card);
  expect_number(card, before, "sampling_rate", card.rate);
  expect_number(card, before, "n_fft", 400);
  expect_number(card, before, "hop_length", 160);
  expect_number(card, before, "feature_size", shape.bands);
  if (config_flag(card, before, "do_normalize", false))
    refuse_encoder(card.folder, "preprocessor_config.json says do_normalize = true, which is not known here");
  expect_weights(card, block_weights(shape.blocks, shape.width, shape.inner));
  card.net.name = "whisper";
  card.net.shape = to_text(shape);
  card.net.norm = "pre";
  card.net.eps = 1e-5;
}

}  // namespace fewlabel
