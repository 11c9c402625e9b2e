#include "app/recipe_stages.h"

#include <fmt/format.h>

#include "app/method_settings.h"
#include "app/planning.h"
#include "core/json_text.h"
#include "fewlabel/error.h"
#include "plan/recipe.h"
#include "plan/resolve.h"

namespace fewlabel {
namespace {

bool is_of_one_stage(const std::string& override_text) { return override_text.starts_with("stage."); }

/// What the stage says, else the recipe; both are yet unchecked.
double minutes_of(const Json& stage, const Json& recipe) {
  for (const Json* table : {&stage, &recipe}) {
    const Json minutes = table->value("/train/minutes"_json_pointer, Json("auto"));
    if (minutes.is_number() && minutes.get<double>() > 0) return minutes.get<double>();
    if (minutes != "auto")
      throw Error(ErrorKind::usage, "config",
                  fmt::format("train.minutes = {}: wanted a number above 0", json_text(minutes)));
  }
  return kDefaultMinutes;
}

}  // namespace

bool is_chain(const Json& recipe) { return recipe.contains("stage"); }

std::vector<StageRecipe> stage_recipes(const Json& recipe, const std::vector<std::string>& overrides) {
  if (!is_chain(recipe)) return {{"main", recipe, {}}};
  const Json& tables = recipe.at("stage");
  if (!tables.is_array() || tables.empty())
    throw Error(ErrorKind::usage, "recipe", "stage is no list of tables", "write each stage as [[stage]]");
  Json shared = recipe;
  shared.erase("stage");
  std::vector<StageRecipe> stages;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    Json own = shared;
    if (tables[i].contains("method")) own.erase("method");  // the settings of one method mean nothing to another
    if (i > 0) own.erase("init");                           // that is for the first
    own.merge_patch(tables[i]);
    for (const std::string& text : overrides)
      if (!is_of_one_stage(text)) apply_override(own, text);
    try {
      TrainConfig config = train_config(with_method_settings(own), method_keys());
      if (config.method.contains("name")) check_method(config.method);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("stage {}, {}", i + 1, error.where()), error.message(), error.hint());
    }
    const bool last = i + 1 == tables.size(), goes_on = i > 0 && !own.contains("init");
    stages.push_back({last ? "main" : fmt::format("pretrain-{}", i + 1), std::move(own),
                      goes_on ? stages.back().name : std::string()});
  }
  return stages;
}

void share_minutes(Json& recipe, double minutes) {
  std::vector<double> own;
  double sum = 0;
  for (const Json& stage : recipe.at("stage")) {
    constexpr double kHead = 0.25;  // of the minutes that a stage has which learns step by step
    own.push_back(minutes_of(stage, recipe) * (learns_a_head(stage.value("method", Json::object())) ? kHead : 1));
    sum += own.back();
  }
  if (recipe.contains("train")) recipe["train"].erase("steps");
  for (std::size_t i = 0; i < own.size(); ++i) {
    Json& stage = recipe["stage"][i];
    stage["train"]["minutes"] = minutes * own[i] / sum;
    stage["train"].erase("steps");
  }
}

}  // namespace fewlabel
