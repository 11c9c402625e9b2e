// What sentence-transformers puts behind a net: modules in a row, of which one pools (Reimers and Gurevych 2019,
// arXiv:1908.10084).
#include <fmt/format.h>

#include <array>

#include "core/text.h"
#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

struct Pooling {
  const char *key, *mode;  // true in older files, "pooling_mode" in newer ones
  const char* ours;        // net.pool; nullptr: not known here
};
constexpr std::array kPoolings = {Pooling{"pooling_mode_cls_token", "cls", "first"},
                                  Pooling{"pooling_mode_max_tokens", "max", "max"},
                                  Pooling{"pooling_mode_mean_tokens", "mean", "mean"},
                                  Pooling{"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", "mean_sqrt_len"},
                                  Pooling{"pooling_mode_weightedmean_tokens", "weightedmean", nullptr},
                                  Pooling{"pooling_mode_lasttoken", "lasttoken", nullptr}};

/// The names of the ways that a pooling module combines, as newer files call them.
std::vector<std::string> modes_of(const Json& config) {
  std::vector<std::string> modes;
  if (config.contains("pooling_mode")) {
    const Json& said = config["pooling_mode"];
    for (const Json& mode : said.is_array() ? said : Json::array({said}))
      modes.push_back(mode.is_string() ? mode.get<std::string>() : mode.dump());
    return modes;
  }
  for (const Pooling& pooling : kPoolings)
    if (config.contains(pooling.key) && config[pooling.key] == true) modes.emplace_back(pooling.mode);
  return modes;
}

void read_pooling(EncoderCard& card, const std::string& folder) {
  const std::vector<std::string> modes = modes_of(read_encoder_json(card.folder / folder / "config.json"));
  if (modes.size() > 1)
    refuse_encoder(
        card.folder,
        fmt::format("{}/config.json joins {} ways of pooling ({})", folder, modes.size(), printable(join(modes, ", "))),
        "one alone is known here");
  if (modes.empty()) return;
  std::vector<std::string> known;
  for (const Pooling& pooling : kPoolings) {
    if (modes[0] == pooling.mode && pooling.ours) {
      card.net.pool = pooling.ours;
      return;
    }
    if (pooling.ours) known.emplace_back(pooling.mode);
  }
  refuse_encoder(card.folder, fmt::format("{}/config.json pools by '{}'", folder, printable(modes[0])),
                 "known are " + join(known, ", "));
}

}  // namespace

void read_sentence_modules(EncoderCard& card) {
  card.net.pool = "mean";
  std::string pooling = "1_Pooling";
  bool pools = fs::exists(card.folder / pooling / "config.json");
  if (fs::exists(card.folder / "modules.json"))
    for (const Json& module : read_encoder_list(card.folder / "modules.json")) {
      const std::string type = module.is_object() ? config_word(module, "type", "") : "";
      const std::string name = type.substr(type.rfind('.') + 1);
      if (name == "Pooling") {
        pooling = config_word(module, "path", pooling);
        pools = true;
        if (pooling.empty() || pooling.starts_with(".") || fs::path(pooling).filename() != pooling)
          refuse_encoder(card.folder, "modules.json names a pooling that is no folder beside it");
      } else if (name != "Transformer" && name != "Normalize" && name != "Dropout") {  // the head scales to one length
        refuse_encoder(card.folder, fmt::format("modules.json puts '{}' behind the net", printable(name)),
                       "only pooling and normalising are known here");
      }
    }
  if (pools) read_pooling(card, pooling);
}

}  // namespace fewlabel
