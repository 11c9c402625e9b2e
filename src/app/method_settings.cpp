#include "app/method_settings.h"

#include <fmt/format.h>

#include "fewlabel/method.h"
#include "plan/preset.h"

namespace fewlabel {
Json with_method_settings(const Json& recipe) {
  const Json name = recipe.value("/method/name"_json_pointer, Json());
  if (!name.is_string()) return recipe;
  const MethodInfo& info = find_method(name.get<std::string>());
  Json settings = info.settings;
  if (preset_of(recipe) == Preset::brief) settings.merge_patch(info.short_settings);
  settings.merge_patch(recipe);
  return settings;
}

std::vector<std::string> method_keys() {
  std::vector<std::string> keys;
  for (const MethodInfo& info : all_methods())
    for (const FieldInfo& field : info.fields) keys.push_back("method." + field.name);
  return keys;
}

void fit_to_kind(TrainConfig& config, const Json& recipe, Kind kind) {
  const Json name = config.method.value("name", Json());
  if (!name.is_string()) return;
  const MethodInfo& info = find_method(name.get<std::string>());
  info.check(kind);
  const Json written = recipe.value("method", Json::object());
  const Json left = info.short_settings_of(kind).value("method", Json::object());
  const Json given = info.short_settings.value("method", Json::object());
  for (const auto& [key, value] : given.items())
    if (!left.contains(key) && !written.contains(key)) config.method.erase(key);
}

std::vector<std::string> fit_to_labels(TrainConfig& config, const Json& recipe, int64_t labeled) {
  constexpr int64_t kManyLabels = 500, kBatch = 64, kMu = 2;
  const Json name = config.method.value("name", Json());
  if (!name.is_string() || labeled < kManyLabels || preset_of(recipe) == Preset::paper) return {};
  const Json& settings = find_method(name.get<std::string>()).short_settings;
  const auto open = [&](const Json::json_pointer& key) { return settings.contains(key) && !recipe.contains(key); };
  std::vector<std::string> choices;
  if (open("/method/mu"_json_pointer) && !recipe.contains("/train/batch"_json_pointer)) {
    config.train.batch = kBatch;
    config.method["mu"] = kMu;
    choices.push_back(fmt::format("train.batch = {}, method.mu = {}: there are {} labels", kBatch, kMu, labeled));
  }
  if (open("/method/rotation"_json_pointer) && config.method.contains("rotation")) {
    config.method["rotation"] = 0.0;
    choices.push_back(fmt::format("method.rotation = 0: there are {} labels", labeled));
  }
  return choices;
}

std::vector<std::string> fit_to_encoder(TrainConfig& config, const Json& recipe) {
  constexpr const char* kRotation = "/method/rotation";
  const Json name = config.method.value("name", Json());
  if (!name.is_string() || recipe.contains(Json::json_pointer(kRotation))) return {};
  if (config.method.value("rotation", Json(0.0)) == Json(0.0)) return {};
  config.method["rotation"] = 0.0;
  return {"method.rotation = 0: the net starts from an encoder"};
}

}  // namespace fewlabel
