#include "app/located.h"

#include <filesystem>

#include "fewlabel/dataset.h"

namespace fewlabel {

std::string located(const std::string& path, const RunFolder& run) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (path.empty() || fs::path(path).is_absolute() || fs::exists(path, ignored)) return path;
  const Json environment = run.read_json(run.environment());
  if (!environment.is_object() || !environment.contains("working_folder")) return path;
  const fs::path there = fs::path(environment["working_folder"].get<std::string>()) / path;
  return fs::exists(there, ignored) ? there.string() : path;
}

DataPlan located(DataPlan data, const RunFolder& run) {
  SplitSpec split = parse_split(data.path);
  split.data = located(split.data, run);
  split.labels_file = located(split.labels_file, run);
  data.path = to_string(split);
  for (std::string* path : {&data.test, &data.validation, &data.virtual_examples}) *path = located(*path, run);
  if (data.tokenizer != "auto" && data.tokenizer != "cased") data.tokenizer = located(data.tokenizer, run);
  return data;
}

}  // namespace fewlabel
