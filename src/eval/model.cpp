#include "eval/model.h"

#include <fmt/format.h>

#include "eval/layout_json.h"
#include "eval/signed_json.h"
#include "fewlabel/error.h"
#include "modalities/modalities.h"
#include "train/folders.h"
#include "train/module_state.h"
#include "train/safetensors.h"

namespace fewlabel {
namespace {

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kMeta = "meta.json";
constexpr int kFormat = 1;
const std::string kTranscription = "speech recognition";

/// What is done to an example before the net sees it.
Json input_of(const Normalization& rule) {
  Json input = layout_json(rule.layout);
  if (rule.layout.kind == Kind::image) {
    input["resize"] = "central crop to the aspect ratio, then area averaging (down) or bilinear (up)";
    input["scale"] = "pixels / 255, then (x - mean) / std for each channel";
  } else if (rule.layout.kind == Kind::text) {
    input["tokenizer"] = "tokenizer.json; ids above 0, 0 behind the end; what is longer is cut off";
  } else if (rule.layout.kind == Kind::audio) {
    input["front_end"] = "audio.json; log(1e-6 + mel power), HTK mels, periodic Hann window, centred with reflection";
    input["scale"] = "(x - mean) / std";
  } else {
    input["scale"] = "(x - mean) / std for each column";
  }
  input["mean"] = rule.mean;
  input["std"] = rule.deviation;
  return input;
}

Json meta_of(const ModelCard& card, const FileRecord& weights) {
  const Json net = net_json(card.net);
  return {{"format", kFormat},
          {"task", card.transcribes ? kTranscription
                                    : fmt::format("{} classification", to_string(card.normalization.layout.kind))},
          {"method", card.method},
          {"data", card.data},
          {"net", net},
          {"classes", card.classes},
          {"input", input_of(card.normalization)},
          {"weights", {{"file", kWeights}, {"bytes", weights.size}, {"xxh3_128", weights.hash}}}};
}

/// `folder` is model/ of a run, or is taken for one.
[[noreturn]] void throw_no_model(const std::filesystem::path& folder) {
  const bool of_run = folder.filename() == "model";
  throw Error(ErrorKind::usage, (of_run ? folder.parent_path() : folder).string(),
              fmt::format("holds no trained model: {}{} is missing", of_run ? "model/" : "", kMeta),
              "give a run folder whose training has finished");
}

}  // namespace

Json net_json(const NetConfig& net) {
  NetConfig own = net;
  if (!own.graph.empty()) own.graph = kNetFolder;  // wherever the folder is by the time it is read
  Json json;
  write_config(json, own);
  return json;
}

NetConfig net_from(const Json& json, const std::filesystem::path& file) {
  NetConfig net = read_config<NetConfig>(file.string(), json);
  if (!net.graph.empty()) net.graph = (file.parent_path() / kNetFolder).string();
  return net;
}

void write_model(const std::filesystem::path& folder, const NetModule& net, const ModelCard& card) {
  const FileRecord record = write_safetensors(folder / kWeights, state_of(net), {{"format", "pt"}});
  if (card.modality) card.modality->write(folder);
  if (!card.net.graph.empty()) net.write(folder / kNetFolder);
  write_file(folder / kMeta, signed_text(meta_of(card, record)), Durability::atomic);
}

void save_model(const std::filesystem::path& folder, const NetModule& net, const ModelCard& card) {
  write_folder(folder, Durability::durable, safetensors_size(state_of(net)) + (1 << 16),
               [&](const std::filesystem::path& temporary) { write_model(temporary, net, card); });
}

LoadedModel load_model(const std::filesystem::path& folder, const torch::Device& device) {
  const std::filesystem::path meta_path = folder / kMeta, weights_path = folder / kWeights;
  if (!std::filesystem::exists(meta_path)) throw_no_model(folder);
  LoadedModel model;
  std::string hash;
  model.meta = read_signed(meta_path);
  try {
    if (model.meta.at("format") != kFormat)
      throw damaged_file(meta_path, fmt::format("has format {}, wanted {}", model.meta.at("format").dump(), kFormat));
    const Json& input = model.meta.at("input");
    model.card.classes = model.meta.at("classes").get<std::vector<std::string>>();
    model.card.transcribes = model.meta.value("task", std::string()) == kTranscription;
    model.card.method = model.meta.at("method");
    model.card.data = model.meta.at("data");
    model.card.net = net_from(model.meta.at("net"), meta_path);
    model.card.normalization = {layout_from(input), input.at("mean").get<std::vector<float>>(),
                                input.at("std").get<std::vector<float>>()};
    hash = model.meta.at("weights").at("xxh3_128");
  } catch (const Json::exception& error) {
    throw damaged_file(meta_path, fmt::format("is damaged: {}", error.what()));
  }
  model.card.modality = load_modality(model.card.normalization.layout.kind, folder, {});
  FileRecord record;
  const TensorMap state = read_safetensors(weights_path, &record);
  if (record.hash != hash) throw damaged_file(weights_path, "is damaged: its bytes do not match the hash in meta.json");
  model.net =
      make_net(model.card.net, model.card.normalization.layout, static_cast<int64_t>(model.card.classes.size()), 0);
  load_state(*model.net, state);
  model.net->to(device);
  model.net->eval();
  for (Tensor& parameter : model.net->parameters()) parameter.set_requires_grad(false);
  return model;
}

}  // namespace fewlabel
