// Vision transformers: ViT (arXiv:2010.11929), DeiT (arXiv:2012.12877), DINOv2 (arXiv:2304.07193, with registers
// arXiv:2309.16588), and the towers of CLIP (arXiv:2103.00020) and SigLIP (arXiv:2303.15343) that see images.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/number.h"
#include "core/text.h"
#include "core/vision_shape.h"
#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {
namespace {

/// What each architecture of Hugging Face is where its config.json says nothing.
struct VisionFamily {
  const char* name;
  int64_t patch;
  double eps;
  const char* activation;
};
constexpr std::array<VisionFamily, 8> kVisionFamilies{{{"vit", 16, 1e-12, "gelu"},
                                                       {"deit", 16, 1e-12, "gelu"},
                                                       {"dinov2", 14, 1e-6, "gelu"},
                                                       {"dinov2_with_registers", 14, 1e-6, "gelu"},
                                                       {"clip", 32, 1e-5, "quick_gelu"},
                                                       {"clip_vision_model", 32, 1e-5, "quick_gelu"},
                                                       {"siglip", 16, 1e-6, "gelu_pytorch_tanh"},
                                                       {"siglip_vision_model", 16, 1e-6, "gelu_pytorch_tanh"}}};

/// A side, said as a number or as height and width.
int64_t side_of(const EncoderCard& card, const Json& config, const char* name, int64_t most, int64_t otherwise) {
  if (!config.contains(name) || !config[name].is_array()) return config_number_or(card, config, name, most, otherwise);
  const Json& sides = config[name];
  if (sides.size() != 2 || sides[0] != sides[1])
    refuse_encoder(card.folder,
                   fmt::format("config.json says {} = {}, and only squares are known here", name, sides.dump()));
  return config_number(card, Json{{name, sides[0]}}, {name}, most);
}

std::string activation_of(const EncoderCard& card, const Json& config, const std::string& otherwise) {
  const std::string found = config_word(config, "hidden_act", otherwise);
  if (found == "gelu" || found == "quick_gelu") return found;
  if (found == "gelu_pytorch_tanh" || found == "gelu_new") return "gelu_tanh";
  refuse_encoder(card.folder, fmt::format("config.json says hidden_act = '{}', and only gelu, quick_gelu and "
                                          "gelu_pytorch_tanh are known here",
                                          printable(found)));
}

/// Refuses what is said and is another.
void expect_value(const EncoderCard& card, const Json& config, const char* name, const Json& wanted) {
  if (config.contains(name) && config[name] != wanted)
    refuse_encoder(card.folder, fmt::format("config.json says {} = {}, and only {} is known here", name,
                                            config[name].dump(), wanted.dump()));
}

void take_shape(EncoderCard& card, VisionShape shape, double eps) {
  if (shape.width % shape.heads != 0)
    refuse_encoder(card.folder, fmt::format("config.json says {} heads for a width of {}, which they do not divide",
                                            shape.heads, shape.width));
  if (shape.patch > shape.side)
    refuse_encoder(card.folder,
                   fmt::format("config.json says patches of {} pixels for images of {}", shape.patch, shape.side));
  shape.side = shape.side / shape.patch * shape.patch;  // what is beyond the last patch is not seen
  const auto width = static_cast<double>(shape.width), inner = static_cast<double>(shape.inner);
  expect_weights(
      card, static_cast<double>(shape.blocks) * width * (4 * width + (shape.activation == "swiglu" ? 3 : 2) * inner));
  card.kind = Kind::image;
  card.net.name = "vision_transformer";
  card.net.shape = shape.text();
  card.net.eps = eps;
  if (!vision_shape(card.net.shape))
    refuse_encoder(card.folder, fmt::format("config.json describes no vision transformer: {}", card.net.shape));
}

/// DINOv2 gives the inner width as a factor, and by a rule of its own where it is gated.
void take_inner_of_dinov2(const EncoderCard& card, const Json& config, VisionShape& shape) {
  shape.inner = shape.width * config_number_or(card, config, "mlp_ratio", 64, 4);
  if (config.value("use_swiglu_ffn", Json(false)) != true) return;
  shape.activation = "swiglu";
  shape.inner = (shape.inner * 2 / 3 + 7) / 8 * 8;
}

/// What a size of timm's is called, and what it is.
struct TimmSize {
  const char* name;
  int64_t blocks, width, heads;
};
constexpr std::array<TimmSize, 6> kTimmSizes{{{"tiny", 12, 192, 3},
                                              {"small", 12, 384, 6},
                                              {"medium", 12, 512, 8},
                                              {"base", 12, 768, 12},
                                              {"large", 24, 1024, 16},
                                              {"huge", 32, 1280, 16}}};
constexpr double kTimmEps = 1e-6;
constexpr int64_t kSideOfDinov2 = 518;

[[noreturn]] void refuse_timm_name(const EncoderCard& card) {
  refuse_encoder(card.folder,
                 fmt::format("has the architecture '{}', which is not known here", printable(card.architecture)),
                 "known are such as vit_small_patch16_224, deit_tiny_distilled_patch16_224, deit3_base_patch16_384, "
                 "vit_small_patch14_dinov2 and vit_small_patch14_reg4_dinov2");
}

/// "vit_small_patch14_reg4_dinov2": family, size, patch, what is special, side.
VisionShape shape_of_timm_name(const EncoderCard& card) {
  std::vector<std::string> words = split_text(card.architecture, '_');
  VisionShape shape;
  const bool third = words.front() == "deit3";
  const auto* size = std::find_if(kTimmSizes.begin(), kTimmSizes.end(), [&](const TimmSize& candidate) {
    return words.size() > 2 && words[1] == candidate.name;
  });
  if (size == kTimmSizes.end()) refuse_timm_name(card);
  shape.blocks = size->blocks;
  shape.width = size->width;
  shape.heads = size->heads;
  shape.inner = 4 * size->width;
  shape.layer_scale = third;
  std::size_t at = 2;
  if (words.front() == "deit" && words[at] == "distilled") {
    shape.tokens = 2;
    shape.features = "distilled";
    ++at;
  }
  if (at + 1 >= words.size() || !words[at].starts_with("patch")) refuse_timm_name(card);
  shape.patch = whole_number(words[at].substr(5)).value_or(0);
  const bool vit = words.front() == "vit";
  if (vit && words[at + 1] == "reg4" && words.back() == "dinov2") {
    shape.tokens = 5;
    ++at;
  }
  if (at + 2 != words.size()) refuse_timm_name(card);
  if (vit && words.back() == "dinov2") {
    shape.layer_scale = true;
    shape.side = kSideOfDinov2;
  } else {
    shape.side = whole_number(words.back()).value_or(0);
  }
  if (shape.patch < 1 || shape.side < 1) refuse_timm_name(card);
  return shape;
}

}  // namespace

void read_vision_transformer(EncoderCard& card, const Json& config) {
  const auto family = std::find_if(kVisionFamilies.begin(), kVisionFamilies.end(),
                                   [&](const VisionFamily& each) { return card.architecture == each.name; });
  const bool whole = card.architecture == "clip" || card.architecture == "siglip";  // beside a tower of texts
  const Json own = whole ? config.value("vision_config", Json::object()) : config;
  if (!own.is_object()) refuse_encoder(card.folder, "config.json: vision_config is no JSON object");
  const bool dino = card.architecture.starts_with("dinov2"), clip = card.architecture.starts_with("clip"),
             siglip = card.architecture.starts_with("siglip");
  VisionShape shape;
  shape.blocks = config_number_or(card, own, "num_hidden_layers", 200, 12);
  shape.width = config_number_or(card, own, "hidden_size", 1 << 14, 768);
  shape.heads = config_number_or(card, own, "num_attention_heads", 1 << 10, 12);
  shape.patch = side_of(card, own, "patch_size", 1 << 8, family->patch);
  shape.side = side_of(card, own, "image_size", 1 << 12, 224);
  shape.activation = activation_of(card, own, family->activation);
  expect_value(card, own, "num_channels", 3);
  if (!clip && !siglip) expect_value(card, own, "qkv_bias", true);
  if (dino)
    take_inner_of_dinov2(card, own, shape);
  else
    shape.inner = config_number_or(card, own, "intermediate_size", 1 << 16, 3072);
  shape.layer_scale = dino;
  shape.norm_first = clip;
  if (card.architecture == "dinov2_with_registers")
    shape.tokens = 1 + config_number_or(card, own, "num_register_tokens", 200, 4);
  if (card.architecture == "deit") {
    shape.tokens = 2;
    shape.features = "distilled";
  }
  if (siglip) {
    expect_value(card, own, "vision_use_head", true);
    shape.tokens = 0;
    shape.features = "attention";
  }
  take_shape(card, shape, config_eps(card, own, family->eps));
  read_preprocessing(card, config);
}

void read_timm_vision_transformer(EncoderCard& card, const Json& config) {
  VisionShape shape = shape_of_timm_name(card);
  expect_word(card, config, "global_pool", "token");
  const Json changed = config.value("model_args", Json::object());
  if (!changed.is_object()) refuse_encoder(card.folder, "config.json: model_args is no JSON object");
  for (const auto& [name, value] : changed.items())
    if (name != "img_size" && name != "embed_dim" && name != "depth" && name != "num_heads" && name != "num_classes")
      refuse_encoder(card.folder,
                     fmt::format("config.json changes {} (model_args), which is not known here", printable(name)));
  shape.side = side_of(card, changed, "img_size", 1 << 12, shape.side);
  shape.blocks = config_number_or(card, changed, "depth", 200, shape.blocks);
  shape.width = config_number_or(card, changed, "embed_dim", 1 << 14, shape.width);
  shape.heads = config_number_or(card, changed, "num_heads", 1 << 10, shape.heads);
  shape.inner = 4 * shape.width;
  take_shape(card, shape, kTimmEps);
  read_preprocessing(card, config);
}

}  // namespace fewlabel
