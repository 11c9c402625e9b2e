#include "encoders/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kLargestJson = 4 << 20;

/// What a config says, for a sentence.
std::string shortened(const std::string& text) { return text.size() <= 60 ? text : text.substr(0, 60) + "…"; }

/// Discarded where it is no JSON.
Json read_json(const fs::path& path) {
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  if (failed) refuse_encoder(path.parent_path(), fmt::format("{} is missing", path.filename().string()));
  if (size > kLargestJson)
    refuse_encoder(path,
                   fmt::format("has {} bytes: wanted no more than 4 MB", with_commas(static_cast<int64_t>(size))));
  return Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
}

}  // namespace

void refuse_encoder(const fs::path& folder, const std::string& message, const std::string& hint) {
  throw Error(ErrorKind::data, folder.string(), message, hint);
}

Json read_encoder_json(const fs::path& path) {
  Json json = read_json(path);
  if (!json.is_object()) refuse_encoder(path, "is no JSON object");
  return json;
}

Json read_encoder_list(const fs::path& path) {
  Json json = read_json(path);
  if (!json.is_array()) refuse_encoder(path, "is no JSON list");
  return json;
}

int64_t config_number(const EncoderCard& card, const Json& config, const std::vector<const char*>& names,
                      int64_t most) {
  for (const char* name : names)
    if (config.contains(name)) {
      const Json& value = config[name];
      if (value.is_number_integer() && value.get<int64_t>() > 0 && value.get<int64_t>() <= most)
        return value.get<int64_t>();
      refuse_encoder(card.folder,
                     fmt::format("config.json says {} = {}: wanted a number from 1 to {}", name, value.dump(), most));
    }
  refuse_encoder(card.folder, fmt::format("config.json does not say {}", names.front()));
}

int64_t config_number_or(const EncoderCard& card, const Json& config, const char* name, int64_t most,
                         int64_t otherwise) {
  return config.contains(name) ? config_number(card, config, {name}, most) : otherwise;
}

std::string config_word(const Json& config, const char* name, const std::string& otherwise) {
  return config.contains(name) && config[name].is_string() ? config[name].get<std::string>() : otherwise;
}

void expect_word(const EncoderCard& card, const Json& config, const char* name, const std::string& wanted) {
  if (const std::string found = config_word(config, name, wanted); found != wanted)
    refuse_encoder(card.folder,
                   fmt::format("config.json says {} = '{}', and only '{}' is known here", name, found, wanted));
}

double config_eps(const EncoderCard& card, const Json& config, double otherwise) {
  if (!config.contains("layer_norm_eps")) return otherwise;
  const Json& said = config["layer_norm_eps"];
  if (!said.is_number() || !(said.get<double>() >= 0 && said.get<double>() < 1))
    refuse_encoder(card.folder, fmt::format("config.json says layer_norm_eps = {}", shortened(said.dump())));
  return said.get<double>();
}

std::vector<int64_t> config_sizes(const EncoderCard& card, const Json& config, const char* name, int64_t most,
                                  std::size_t count) {
  if (!config.contains(name)) refuse_encoder(card.folder, fmt::format("config.json does not say {}", name));
  const Json& list = config[name];
  std::vector<int64_t> result;
  if (list.is_array())
    for (const Json& value : list)
      if (value.is_number_integer() && value.get<int64_t>() > 0 && value.get<int64_t>() <= most)
        result.push_back(value.get<int64_t>());
  if (result.empty() || result.size() != list.size() || (count > 0 && result.size() != count))
    refuse_encoder(card.folder,
                   fmt::format("config.json says {} = {}: wanted {}numbers from 1 to {}", name, shortened(list.dump()),
                               count > 0 ? fmt::format("{} ", count) : std::string(), most));
  return result;
}

std::vector<double> config_numbers(const Json& list) {
  std::vector<double> result;
  if (list.is_array())
    for (const Json& value : list)
      if (value.is_number()) result.push_back(value.get<double>());
  return result;
}

void expect_plain_timm(const EncoderCard& card, const Json& config) {
  if (config_word(config, "global_pool", "avg") != "avg")
    refuse_encoder(card.folder, fmt::format("config.json says global_pool = '{}', and only 'avg' is known here",
                                            printable(config_word(config, "global_pool", ""))));
  constexpr std::array kHarmless = {"num_classes", "in_chans", "img_size", "drop_rate", "drop_path_rate", "pretrained"};
  const Json arguments = config.value("model_args", Json::object());
  for (const auto& [key, value] : arguments.items())
    if (std::find(kHarmless.begin(), kHarmless.end(), key) == kHarmless.end())
      refuse_encoder(card.folder,
                     fmt::format("config.json makes another {} by model_args.{} = {}", card.architecture,
                                 printable(key), shortened(value.dump())),
                     "only nets as timm makes them by their name are known here");
}

void expect_weights(const EncoderCard& card, double weights) {
  int64_t bytes = 0;
  for (const std::string& file : card.files) {
    std::error_code unreadable;
    const auto size = fs::file_size(card.folder / file, unreadable);
    if (!unreadable) bytes += static_cast<int64_t>(size);
  }
  if (weights > static_cast<double>(bytes))
    refuse_encoder(card.folder,
                   fmt::format("config.json describes {:.0f} million weights, and {} has {} bytes", weights / 1e6,
                               join(card.files, ", "), with_commas(bytes)),
                   "it belongs to another net, or was cut off: get it again");
}

}  // namespace fewlabel
