#include "encoders/reading.h"

#include <fmt/format.h>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kLargestJson = 4 << 20;

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

std::string config_word(const Json& config, const char* name, const std::string& otherwise) {
  return config.contains(name) && config[name].is_string() ? config[name].get<std::string>() : otherwise;
}

void expect_word(const EncoderCard& card, const Json& config, const char* name, const std::string& wanted) {
  if (const std::string found = config_word(config, name, wanted); found != wanted)
    refuse_encoder(card.folder,
                   fmt::format("config.json says {} = '{}', and only '{}' is known here", name, found, wanted));
}

std::vector<double> config_numbers(const Json& list) {
  std::vector<double> result;
  if (list.is_array())
    for (const Json& value : list)
      if (value.is_number()) result.push_back(value.get<double>());
  return result;
}

void expect_weights(const EncoderCard& card, double weights) {
  std::error_code unreadable;
  const auto bytes = fs::file_size(card.folder / card.files.front(), unreadable);
  if (unreadable || weights > static_cast<double>(bytes))
    refuse_encoder(card.folder,
                   fmt::format("config.json describes {:.0f} million weights, and {} has {} bytes", weights / 1e6,
                               card.files.front(), with_commas(static_cast<int64_t>(unreadable ? 0 : bytes))),
                   "it belongs to another net, or was cut off: get it again");
}

}  // namespace fewlabel
