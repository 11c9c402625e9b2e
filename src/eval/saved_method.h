// The whole method in the model/ folder of a run, whatever it can do: method.safetensors (everything it remembers, with
// averaged weights) and method.json, which says how to build it again. A classifier's net stands there alone, too
// (eval/model.h), for whoever only wants to predict.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fewlabel/method.h"
#include "train/batches.h"

namespace fewlabel {

/// How a method came about.
struct MethodCard {
  Json method;  // name and every field
  NetConfig net;
  Task task;                                      // as the method got it
  std::vector<std::string> classes;               // of the data, in label order; also where the method saw no label
  std::string data;                               // for a person
  std::shared_ptr<const Modality> modality = {};  // null where the card alone was read

  std::string name() const { return method.at("name").get<std::string>(); }
  Normalization normalization() const { return {task.layout, task.mean, task.deviation}; }
};

/// Replaces the folder as a whole. Throws Error{storage}.
void save_method(const std::filesystem::path& folder, Method& method, const MethodCard& card);

struct LoadedMethod {
  std::unique_ptr<Method> method;  // in evaluation mode, without gradients
  Net net;                         // the one it was made with; null where it keeps none
  MethodCard card;
  std::string hash;              // of method.safetensors
  std::filesystem::path folder;  // that it was read from: the model/ folder
};
/// From a run folder or its model/ folder, onto a device. Throws Error{usage} when there is none, Error{storage} naming
/// a damaged file.
LoadedMethod load_method(const std::filesystem::path& run_or_model, const torch::Device& device = torch::kCPU);

/// Whether `net` is among what a method learns; some make nets of their own.
bool trains(const Method& method, const NetModule& net);

/// Card and hash alone, without building anything.
struct SavedMethod {
  std::filesystem::path folder;
  MethodCard card;
  std::string hash;
};
SavedMethod read_method_card(const std::filesystem::path& run_or_model);

}  // namespace fewlabel
