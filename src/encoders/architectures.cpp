#include "encoders/architectures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/text.h"
#include "encoders/reading.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

struct Architecture {
  const char* name;  // Hugging Face's model_type or timm's architecture; with * behind it what such begin with
  void (*read)(EncoderCard& card, const Json& config);
};
constexpr std::array kArchitectures = {
    Architecture{"bert", read_bert},
    Architecture{"distilbert", read_bert},
    Architecture{"roberta", read_bert},
    Architecture{"tf_efficientnet_lite0", read_efficientnet},
    Architecture{"tf_efficientnet_lite1", read_efficientnet},
    Architecture{"tf_efficientnet_lite2", read_efficientnet},
    Architecture{"vit", read_vision_transformer},
    Architecture{"deit", read_vision_transformer},
    Architecture{"dinov2", read_vision_transformer},
    Architecture{"dinov2_with_registers", read_vision_transformer},
    Architecture{"clip", read_vision_transformer},
    Architecture{"clip_vision_model", read_vision_transformer},
    Architecture{"siglip", read_vision_transformer},
    Architecture{"siglip_vision_model", read_vision_transformer},
    Architecture{"vit_*", read_timm_vision_transformer},
    Architecture{"deit_*", read_timm_vision_transformer},
    Architecture{"deit3_*", read_timm_vision_transformer},
};

bool is_called(const std::string& name, std::string_view pattern) {
  return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
}

}  // namespace

void read_architecture(EncoderCard& card, const Json& config) {
  card.architecture = config_word(config, "model_type", "");
  if (card.architecture.empty()) {
    card.architecture = config_word(config, "architecture", "");
    card.architecture = card.architecture.substr(0, card.architecture.find('.'));  // behind it the training's name
  }
  const std::string name = card.architecture;
  card.files = {"model.safetensors"};
  if (!fs::exists(card.folder / card.files[0])) {
    const bool pickle = fs::exists(card.folder / "pytorch_model.bin");
    refuse_encoder(card.folder, "model.safetensors is missing",
                   pickle ? "pytorch_model.bin can run code when it is read: save the model again as safetensors" : "");
  }
  std::vector<std::string> known;
  for (const Architecture& architecture : kArchitectures) {
    if (is_called(name, architecture.name)) return architecture.read(card, config);
    known.emplace_back(architecture.name);
  }
  refuse_encoder(card.folder,
                 name.empty() ? "config.json names no architecture (model_type)"
                              : fmt::format("has the architecture '{}', which is not known here", printable(name)),
                 "known are " + join(known, ", "));
}

}  // namespace fewlabel
