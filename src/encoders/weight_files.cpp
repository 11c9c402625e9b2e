// Which files of a folder hold the weights: one, or several where they are large.
#include <fmt/format.h>

#include <set>

#include "core/text.h"
#include "encoders/reading.h"

namespace fewlabel {

namespace fs = std::filesystem;

std::vector<std::string> weight_files(const fs::path& folder) {
  constexpr const char *kWhole = "model.safetensors", *kIndex = "model.safetensors.index.json";
  if (fs::exists(folder / kWhole)) return {kWhole};
  if (!fs::exists(folder / kIndex)) {
    const bool pickle = fs::exists(folder / "pytorch_model.bin");
    refuse_encoder(folder, "model.safetensors is missing",
                   pickle ? "pytorch_model.bin can run code when it is read: save the model again as safetensors" : "");
  }
  const Json index = read_encoder_json(folder / kIndex);
  std::set<std::string> files;
  if (index.contains("weight_map") && index["weight_map"].is_object())
    for (const auto& [tensor, file] : index["weight_map"].items())
      if (file.is_string()) files.insert(file.get<std::string>());
  if (files.empty()) refuse_encoder(folder, fmt::format("{} names no files", kIndex));
  for (const std::string& file : files) {
    if (file.empty() || fs::path(file).filename() != file || file == "." || file == "..")
      refuse_encoder(folder, fmt::format("{} names '{}', which is no file of this folder", kIndex, printable(file)));
    if (!fs::exists(folder / file)) refuse_encoder(folder, fmt::format("{} is missing", printable(file)));
  }
  return {files.begin(), files.end()};
}

}  // namespace fewlabel
