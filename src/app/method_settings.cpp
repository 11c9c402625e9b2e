#include "app/method_settings.h"

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

}  // namespace fewlabel
