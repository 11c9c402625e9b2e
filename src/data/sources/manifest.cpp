// Tables (CSV, TSV, JSONL) and lists of lines: which files of a folder are meant, and what each is for.
#include <algorithm>
#include <array>

#include "core/text.h"
#include "data/sources/collection.h"
#include "data/sources/sources.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr std::array kTables = {".csv", ".tsv", ".jsonl", ".ndjson"};
constexpr std::array kLines = {".txt", ".text", ".train", ".test", ".dev", ".label", ".lines", ".ft"};

bool has_suffix(const fs::path& file, const auto& suffixes) {
  const std::string suffix = lower(file.extension().string());
  return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end();
}

void add(Collection& collection, const fs::path& file, Role role) {
  if (is_manifest(file))
    collection.add_table(file, role);
  else
    collection.add_lines(file, role);
}

/// The file of this stem with the first of the suffixes that is there.
std::optional<fs::path> find_file(const fs::path& folder, const std::string& stem, const auto& suffixes) {
  for (const auto* suffix : suffixes)
    if (fs::is_regular_file(folder / (stem + suffix))) return folder / (stem + suffix);
  return {};
}

/// `X.train` with `X.test`, or train.txt, in a folder that holds no folders: what stands beside folders of examples is
/// a list of them, if anything.
std::optional<fs::path> find_lines(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) return {};
    if (entry.path().extension() == ".train") found.push_back(entry.path());
  }
  if (found.size() == 1) return found[0];
  return find_file(folder, "train", std::array{".txt", ".text", ".label"});
}

}  // namespace

bool is_manifest(const fs::path& file) { return has_suffix(file, kTables); }

bool is_lines_file(const fs::path& file) { return has_suffix(file, kLines); }

std::vector<fs::path> find_manifests(const fs::path& folder) {
  for (const auto* stem : {"train", "manifest", "labels", "metadata"})
    if (auto found = find_file(folder, stem, kTables)) return {*found};
  if (auto found = find_lines(folder)) return {*found};
  return {};
}

Opened open_manifest(const OpenRequest& request) {
  Collection collection(request);
  if (!fs::is_directory(request.path)) {
    add(collection, request.path, Role::train);
    return collection.finish();
  }
  const fs::path train = find_manifests(request.path).at(0);
  add(collection, train, Role::train);
  const auto beside = [&](const std::string& stem) {
    return find_file(request.path, stem, std::array{train.extension().c_str()});
  };
  if (train.extension() == ".train") {
    const fs::path test = fs::path(train).replace_extension(".test"),
                   validation = fs::path(train).replace_extension(".dev");
    if (fs::is_regular_file(test)) add(collection, test, Role::test);
    if (fs::is_regular_file(validation)) add(collection, validation, Role::validation);
  }
  if (const auto test = beside("test")) add(collection, *test, Role::test);
  for (const auto* stem : {"validation", "valid", "val", "dev"})
    if (const auto validation = beside(stem)) {
      add(collection, *validation, Role::validation);
      break;
    }
  for (const auto* stem : {"unlabeled", "unlabelled"})
    for (const auto* suffix : {".csv", ".tsv", ".jsonl", ".ndjson", ".txt"})
      if (const auto file = request.path / (std::string(stem) + suffix); fs::is_regular_file(file))
        add(collection, file, Role::unlabeled);
  return collection.finish();
}

}  // namespace fewlabel
