#include "app/planning.h"

#include <fmt/format.h>

#include "core/hash.h"
#include "core/json_text.h"
#include "eval/saved_method.h"
#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "plan/recipe.h"

namespace fewlabel {

std::string method_name(const TrainConfig& config) { return config.method.at("name").get<std::string>(); }

bool learns_without_labels(const TrainConfig& config) {
  return config.method.contains("name") && find_method(method_name(config)).learns_without_labels();
}

void check_method(TrainConfig& config) {
  const MethodInfo& info = find_method(method_name(config));
  Json own = config.method;
  own.erase("name");
  Json resolved = Json{{"name", info.name}};
  resolved.update(info.resolve(own));
  config.method = resolved;
}

std::string plan_identity(const TrainConfig& plan) {
  Json json = to_json(plan);
  for (const char* key : {"out", "init"}) json.erase(key);  // init_hash says which weights those were
  for (const char* key : {"device", "workers", "checkpoint_seconds", "checkpoints"}) json["train"].erase(key);
  const std::string text = json_text(json);
  return hash_bytes(text.data(), text.size());
}

bool may_change_on_resume(const std::string& key) {
  return key == "out" || key == "train.device" || key == "train.workers" || key == "train.checkpoint_seconds" ||
         key == "train.checkpoints";
}

std::vector<std::string> adopt_initial(TrainConfig& config) {
  if (config.init.empty()) return {};
  const SavedMethod saved = read_method_card(config.init);
  if (!config.init_hash.empty() && config.init_hash != saved.hash)
    throw Error(
        ErrorKind::usage, "init",
        fmt::format("{} holds other weights ({}) than the plan names ({})", config.init, saved.hash, config.init_hash),
        "leave out init_hash to take the weights as they are now, or restore that run");
  config.init_hash = saved.hash;
  std::vector<std::string> choices;
  if (!config.net.name) {
    config.net = saved.card.net;
    choices.push_back(fmt::format("net.name = {}: that of {}", *config.net.name, config.init));
  }
  if (!config.data.size && !config.data.channels) {
    const ImageShape& shape = saved.card.task.shape;
    config.data.size = shape.height;
    config.data.channels = shape.channels;
    choices.push_back(fmt::format("data.size = {}: that of {}", shape.height, config.init));
  }
  return choices;
}

TrainConfig baseline_of(const TrainConfig& plan) {
  TrainConfig baseline = plan;
  baseline.method = Json{{"name", "supervised"}};
  baseline.data.virtual_examples.clear();
  baseline.init.clear();
  baseline.init_hash.clear();
  return baseline;
}

}  // namespace fewlabel
