#include "eval/saved_method.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/layout_json.h"
#include "eval/model.h"
#include "eval/signed_json.h"
#include "fewlabel/error.h"
#include "modalities/modalities.h"
#include "train/device.h"
#include "train/folders.h"
#include "train/module_state.h"
#include "train/safetensors.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr const char* kWeights = "method.safetensors";
constexpr const char* kCard = "method.json";
constexpr int kFormat = 1;

Json to_json(const Task& task) {
  Json json = layout_json(task.layout);
  json.update({{"classes", task.classes},
               {"labeled", task.labeled},
               {"unlabeled", task.unlabeled},
               {"class_share", task.class_share},
               {"pool_share", task.pool_share},
               {"steps", task.steps},
               {"seed", task.seed},
               {"mean", task.mean},
               {"std", task.deviation}});
  return json;
}

Task task_of(const Json& json) {
  Task task;
  task.layout = layout_from(json);
  task.classes = json.at("classes");
  task.labeled = json.at("labeled");
  task.unlabeled = json.at("unlabeled");
  task.class_share = json.at("class_share").get<std::vector<double>>();
  task.pool_share = json.value("pool_share", std::vector<double>());
  task.steps = json.at("steps");
  task.seed = json.at("seed");
  task.mean = json.at("mean").get<std::vector<float>>();
  task.deviation = json.at("std").get<std::vector<float>>();
  return task;
}

fs::path model_folder(const fs::path& path) {
  for (const fs::path& folder : {path / "model", path})
    if (fs::exists(folder / kCard)) return folder;
  throw Error(ErrorKind::usage, path.string(), "holds no trained method: model/method.json is missing",
              "give a run folder whose training has finished");
}

}  // namespace

bool trains(const Method& method, const NetModule& net) {
  const auto all = method.parameters(), parameters = net.parameters();
  return !parameters.empty() && std::any_of(all.begin(), all.end(), [&](const Tensor& parameter) {
    return parameter.is_same(parameters.front());
  });
}

void save_method(const fs::path& folder, Method& method, const MethodCard& card) {
  const TensorMap state = state_of(method);
  auto* classifier = dynamic_cast<Classifier*>(&method);
  auto* transcriber = dynamic_cast<Transcriber*>(&method);
  const Net network = classifier ? classifier->network() : transcriber ? transcriber->network() : nullptr;
  write_folder(folder, Durability::durable, 2 * safetensors_size(state) + (1 << 17), [&](const fs::path& temporary) {
    const FileRecord weights = write_safetensors(temporary / kWeights, state, {{"format", "pt"}});
    write_file(temporary / kCard,
               signed_text({{"format", kFormat},
                            {"method", card.method},
                            {"data", card.data},
                            {"net", net_json(card.net)},
                            {"classes", card.classes},
                            {"task", to_json(card.task)},
                            {"weights", {{"file", kWeights}, {"bytes", weights.size}, {"xxh3_128", weights.hash}}}}),
               Durability::atomic);
    if (network)
      write_model(temporary, *network,
                  {card.net, card.normalization(), card.classes, card.name(), card.data, card.modality,
                   transcriber != nullptr});
    else if (card.modality)
      card.modality->write(temporary);
  });
}

SavedMethod read_method_card(const fs::path& run_or_model) {
  SavedMethod saved;
  saved.folder = model_folder(run_or_model);
  const fs::path path = saved.folder / kCard;
  const Json json = read_signed(path);
  try {
    if (json.at("format") != kFormat)
      throw damaged_file(path, fmt::format("has format {}, wanted {}", json.at("format").dump(), kFormat));
    saved.card.method = json.at("method");
    saved.card.data = json.at("data");
    saved.card.net = net_from(json.at("net"), path);
    saved.card.classes = json.at("classes").get<std::vector<std::string>>();
    saved.card.task = task_of(json.at("task"));
    saved.hash = json.at("weights").at("xxh3_128");
  } catch (const Json::exception& error) {
    throw damaged_file(path, fmt::format("is damaged: {}", error.what()));
  }
  return saved;
}

LoadedMethod load_method(const fs::path& run_or_model, const torch::Device& device) {
  const SavedMethod saved = read_method_card(run_or_model);
  const fs::path weights = saved.folder / kWeights;
  FileRecord record;
  const TensorMap state = read_safetensors(weights, &record);
  if (record.hash != saved.hash)
    throw damaged_file(weights, fmt::format("is damaged: its bytes do not match the hash in {}", kCard));
  LoadedMethod loaded{nullptr, nullptr, saved.card, saved.hash, saved.folder};
  const Task& task = loaded.card.task;
  loaded.card.modality = load_modality(task.layout.kind, saved.folder, {});
  Json own = loaded.card.method;
  own.erase("name");
  loaded.net = make_net(loaded.card.net, task.layout, task.classes, task.seed);
  loaded.method = find_method(loaded.card.name()).make(own, task, loaded.net);
  if (!trains(*loaded.method, *loaded.net)) loaded.net.reset();
  load_state(*loaded.method, state);
  loaded.method->to(device);
  const torch::NoGradGuard no_gradient;
  for (Tensor& parameter : loaded.method->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    parameter.set_requires_grad(false);
  }
  loaded.method->eval();
  return loaded;
}

}  // namespace fewlabel
