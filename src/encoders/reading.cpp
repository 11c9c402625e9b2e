#include "encoders/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kLargestJson = 4 << 20;

/// What a config says, for a sentence.
std::string shortened(const std::string& text) { return text.size() <= 60 ? text : text.substr(0, 60) + "…"; }

}  // namespace

void refuse_encoder(const fs::path& folder, const std::string& message, const std::string& hint) {
  throw Error(ErrorKind::data, folder.string(), message, hint);
}

Json read_encoder_json(const fs::path& path) {
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  if (failed) refuse_encoder(path.parent_path(), fmt::format("{} is missing", path.filename().string()));
  if (size > kLargestJson)
    refuse_encoder(path,
                   fmt::format("has {} bytes: wanted no more than 4 MB", with_commas(static_cast<int64_t>(size))));
  const Json json = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) refuse_encoder(path, "is no JSON object");
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

double config_number_or(const Json& config, const char* name, double otherwise) {
  return config.contains(name) && config[name].is_number() ? config[name].get<double>() : otherwise;
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

void read_preprocessing(EncoderCard& card, const Json& config) {
  constexpr const char* kTrained = "pretrained_cfg";
  constexpr const char* kProcessor = "preprocessor_config.json";
  const bool timm = config.contains(kTrained) && config[kTrained].is_object();
  if (!timm && !fs::exists(card.folder / kProcessor))
    refuse_encoder(card.folder,
                   fmt::format("says nothing of the pixels it was trained on: config.json has no {}, and {} is missing",
                               kTrained, kProcessor),
                   "get it again with all of its files");
  const Json own = timm ? config[kTrained] : read_encoder_json(card.folder / kProcessor);
  const auto off = [&](const char* key) { return own.contains(key) && own[key] == false; };
  if (!timm) {
    const double factor = config_number_or(own, "rescale_factor", 1.0 / 255);
    if (off("do_rescale") || std::abs(factor * 255 - 1) > 1e-3)
      refuse_encoder(card.folder, fmt::format("{} brings pixels to another range than 0 to 1", kProcessor),
                     "only rescale_factor = 1/255 is known here");
  }
  card.mean = {0, 0, 0};
  card.deviation = {1, 1, 1};
  if (!timm && off("do_normalize")) return;
  card.mean = config_numbers(own.value(timm ? "mean" : "image_mean", Json()));
  card.deviation = config_numbers(own.value(timm ? "std" : "image_std", Json()));
  if (card.mean.size() != 3 || card.deviation.size() != 3 ||
      std::any_of(card.deviation.begin(), card.deviation.end(), [](double x) { return !(x > 0); }))
    refuse_encoder(
        card.folder,
        timm ? fmt::format("config.json does not say mean and std of the pixels it was trained on ({})", kTrained)
             : fmt::format("{} does not say image_mean and image_std, three numbers each", kProcessor));
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
  std::error_code unreadable;
  const auto bytes = fs::file_size(card.folder / card.files.front(), unreadable);
  if (unreadable || weights > static_cast<double>(bytes))
    refuse_encoder(card.folder,
                   fmt::format("config.json describes {:.0f} million weights, and {} has {} bytes", weights / 1e6,
                               card.files.front(), with_commas(static_cast<int64_t>(unreadable ? 0 : bytes))),
                   "it belongs to another net, or was cut off: get it again");
}

}  // namespace fewlabel
