#include "app/method_settings.h"

#include <fmt/format.h>

#include "fewlabel/method.h"
#include "plan/resolve.h"

namespace fewlabel {
namespace {

bool is_short(const Json& recipe) {
  const Json steps = recipe.value("/train/steps"_json_pointer, Json());
  return !steps.is_number() || steps.get<double>() < static_cast<double>(kLongRun);
}

}  // namespace

Json with_method_settings(const Json& recipe) {
  const Json name = recipe.value("/method/name"_json_pointer, Json());
  if (!name.is_string()) return recipe;
  const MethodInfo& info = find_method(name.get<std::string>());
  Json settings = info.settings;
  if (is_short(recipe)) settings.merge_patch(info.short_settings);
  settings.merge_patch(recipe);
  return settings;
}

std::vector<std::string> fit_batch(TrainConfig& config, const Json& recipe, int64_t labeled) {
  constexpr int64_t kManyLabels = 500, kBatch = 64, kMu = 2;
  const Json name = config.method.value("name", Json());
  if (!name.is_string() || labeled < kManyLabels || !is_short(recipe)) return {};
  const bool weighs = find_method(name.get<std::string>()).short_settings.contains("/method/mu"_json_pointer);
  if (!weighs || recipe.contains("/method/mu"_json_pointer) || recipe.contains("/train/batch"_json_pointer)) return {};
  config.train.batch = kBatch;
  config.method["mu"] = kMu;
  return {fmt::format("train.batch = {}, method.mu = {}: there are {} labels", kBatch, kMu, labeled)};
}

}  // namespace fewlabel
