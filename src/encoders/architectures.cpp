#include "encoders/architectures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/text.h"
#include "encoders/reading.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

struct Architecture {
  const char* name;  // Hugging Face's model_type or timm's architecture
  void (*read)(EncoderCard& card, const Json& config);
};
constexpr std::array kArchitectures = {
    Architecture{"bert", read_bert},
    Architecture{"distilbert", read_bert},
    Architecture{"roberta", read_bert},
    Architecture{"xlm-roberta", read_bert},
    Architecture{"camembert", read_bert},
    Architecture{"mpnet", read_bert},
    Architecture{"electra", read_bert},
    Architecture{"wav2vec2", read_wav2vec2},
    Architecture{"hubert", read_wav2vec2},
    Architecture{"whisper", read_whisper},
    Architecture{"tf_efficientnet_lite0", read_efficientnet},
    Architecture{"tf_efficientnet_lite1", read_efficientnet},
    Architecture{"tf_efficientnet_lite2", read_efficientnet},
};

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
    if (name == architecture.name) return architecture.read(card, config);
    known.emplace_back(architecture.name);
  }
  refuse_encoder(card.folder,
                 name.empty() ? "config.json names no architecture (model_type)"
                              : fmt::format("has the architecture '{}', which is not known here", printable(name)),
                 "known are " + join(known, ", "));
}

}  // namespace fewlabel
