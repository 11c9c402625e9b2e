#include "encoders/architectures.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "core/text.h"
#include "encoders/reading.h"

namespace fewlabel {
namespace {

struct Architecture {
  std::string name;  // Hugging Face's model_type or timm's architecture; with * behind it what such begin with
  void (*read)(EncoderCard& card, const Json& config);
};
const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> all = [] {
    std::vector<Architecture> found = {{"bert", read_bert},
                                       {"distilbert", read_bert},
                                       {"roberta", read_bert},
                                       {"xlm-roberta", read_bert},
                                       {"camembert", read_bert},
                                       {"mpnet", read_bert},
                                       {"electra", read_bert},
                                       {"wav2vec2", read_wav2vec2},
                                       {"hubert", read_wav2vec2},
                                       {"whisper", read_whisper},
                                       {"tf_efficientnet_lite0", read_efficientnet_lite},
                                       {"tf_efficientnet_lite1", read_efficientnet_lite},
                                       {"tf_efficientnet_lite2", read_efficientnet_lite},
                                       {"vit", read_vision_transformer},
                                       {"deit", read_vision_transformer},
                                       {"dinov2", read_vision_transformer},
                                       {"dinov2_with_registers", read_vision_transformer},
                                       {"clip", read_vision_transformer},
                                       {"clip_vision_model", read_vision_transformer},
                                       {"siglip", read_vision_transformer},
                                       {"siglip_vision_model", read_vision_transformer},
                                       {"vit_*", read_timm_vision_transformer},
                                       {"deit_*", read_timm_vision_transformer},
                                       {"deit3_*", read_timm_vision_transformer}};
    const auto add = [&](const std::vector<std::string>& names, auto* read) {
      for (const std::string& name : names) found.push_back({name, read});
    };
    add(resnet_names(), read_resnet);
    add(convnext_names(), read_convnext);
    add(mobile_names(), read_mobile);
    return found;
  }();
  return all;
}

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
  card.files = weight_files(card.folder);
  std::vector<std::string> known;
  for (const Architecture& architecture : architectures()) {
    if (is_called(name, architecture.name)) return architecture.read(card, config);
    known.push_back(architecture.name);
  }
  refuse_encoder(card.folder,
                 name.empty() ? "config.json names no architecture (model_type)"
                              : fmt::format("has the architecture '{}', which is not known here", printable(name)),
                 "known are " + join(known, ", "));
}

}  // namespace fewlabel
