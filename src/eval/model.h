// The model/ folder of a run: model.safetensors (averaged weights and buffers) and meta.json, which says all that is
// needed to use them: net, classes, preprocessing, and the hash of the weights.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fewlabel/net.h"
#include "train/batches.h"

namespace fewlabel {

struct ModelCard {
  NetConfig net;
  Normalization normalization;  // with the layout that examples are brought into
  std::vector<std::string> classes;
  std::string method, data;  // how it came about; for a person
  std::shared_ptr<const Modality> modality = {};
  bool transcribes = false;  // it writes down what it hears, and classes are the symbols of that
};

/// Where the files of a net's own lie in a model's folder (NetModule::write).
inline constexpr const char* kNetFolder = "encoder";

/// The config of a net as its file in a model's folder has it, and the way back.
Json net_json(const NetConfig& net);
NetConfig net_from(const Json& json, const std::filesystem::path& file);

/// Writes the two files into a folder that is still being made. Throws Error{storage}.
void write_model(const std::filesystem::path& folder, const NetModule& net, const ModelCard& card);
/// Replaces the folder as a whole. Throws Error{storage}.
void save_model(const std::filesystem::path& folder, const NetModule& net, const ModelCard& card);

struct LoadedModel {
  Net net;  // in evaluation mode, without gradients
  ModelCard card;
  Json meta;
};
/// Onto a device. Throws Error{storage} naming a missing or damaged file.
LoadedModel load_model(const std::filesystem::path& folder, const torch::Device& device = torch::kCPU);

}  // namespace fewlabel
