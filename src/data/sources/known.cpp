#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/text.h"
#include "data/sources/sources.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

struct Record {
  std::string name, title;
  fs::path usual_place;
  std::string hint;  // how to get it
  std::vector<std::string> classes;
};

const std::vector<Record>& records() {
  static const std::vector<Record> all = {
      {"fashion_mnist",
       "Fashion-MNIST",
       "/usr/share/datasets/fashion-mnist",
       "apt-get install dataset-fashion-mnist",
       {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}}};
  return all;
}

}  // namespace

const std::vector<std::string>& known_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const auto& record : records()) result.push_back(record.name);
    return result;
  }();
  return names;
}

std::string known_title(const std::string& name) {
  for (const auto& record : records())
    if (record.name == name) return record.title;
  // No package brings these, but a folder of FEWLABEL_DATA may hold them.
  if (name == "mnist") return "MNIST";
  return name == "cifar10" ? "CIFAR-10" : name;
}

std::optional<KnownDataset> find_known(const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos) return {};
  const auto record = std::find_if(records().begin(), records().end(), [&](const Record& r) { return r.name == name; });
  const bool listed = record != records().end();
  if (const char* root = std::getenv("FEWLABEL_DATA"); root != nullptr && *root != '\0') {
    std::string dashed = name;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    for (const auto& candidate : {fs::path(root) / name, fs::path(root) / dashed})
      if (fs::exists(candidate)) return KnownDataset{candidate, listed ? record->classes : std::vector<std::string>{}};
  }
  if (!listed) return {};
  if (!fs::exists(record->usual_place))
    throw_data(name, fmt::format("is not on this machine: {} is missing", record->usual_place.string()),
               fmt::format("{}; or name a folder that holds it in FEWLABEL_DATA", record->hint));
  return KnownDataset{record->usual_place, record->classes};
}

}  // namespace fewlabel
