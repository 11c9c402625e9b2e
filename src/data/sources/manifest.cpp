// Tables (CSV, TSV, JSONL) and lists of lines: which files of a folder are meant, and what each is for.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "data/sources/collection.h"
#include "data/sources/roles.h"
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

/// Of tables whose names say it by a word: the training one, "dogs-train.csv".
std::vector<fs::path> find_by_word(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& file = entry.path();
    if (!is_manifest(file) || !entry.is_regular_file() || file.filename().string().starts_with(".")) continue;
    if (roles_in_name(file.stem().string()) == std::vector{Role::train}) found.push_back(file);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// The files that belong to a training file: the same suffix, and the same name but for the word that says the split.
std::vector<std::pair<fs::path, Role>> files_beside(const fs::path& train) {
  std::vector<std::pair<fs::path, Role>> found;
  const std::string common = without_roles(train.stem().string());
  const bool plain = common.empty() || roles_in_name(train.stem().string()).empty();  // train.csv, metadata.csv
  for (const auto& entry : fs::directory_iterator(train.parent_path())) {
    const fs::path& file = entry.path();
    const std::string stem = file.stem().string();
    if (file == train || !entry.is_regular_file() || stem.starts_with(".")) continue;
    const auto roles = roles_in_name(stem);
    if (roles.size() != 1 || roles[0] == Role::train || without_roles(stem) != (plain ? "" : common)) continue;
    const bool alike = file.extension() == train.extension();
    if (alike || (roles[0] == Role::unlabeled && (is_manifest(file) || file.extension() == ".txt")))
      found.emplace_back(file, roles[0]);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

bool is_manifest(const fs::path& file) { return has_suffix(file, kTables); }

bool is_lines_file(const fs::path& file) { return has_suffix(file, kLines); }

std::vector<fs::path> find_manifests(const fs::path& folder) {
  for (const auto* stem : {"train", "training", "manifest", "labels", "metadata"})
    if (auto found = find_file(folder, stem, kTables)) return {*found};
  if (auto found = find_lines(folder)) return {*found};
  return find_by_word(folder);
}

Opened open_manifest(const OpenRequest& request) {
  Collection collection(request);
  if (!fs::is_directory(request.path)) {
    add(collection, request.path, Role::train);
    return collection.finish();
  }
  const std::vector<fs::path> found = find_manifests(request.path);
  if (found.size() > 1)
    throw_data(request.path.string(),
               fmt::format("holds {} and {}, both training sets by their names", found[0].filename().string(),
                           found[1].filename().string()),
               "give the one that is meant: data=" + found[0].string());
  const fs::path& train = found[0];
  add(collection, train, Role::train);
  if (train.extension() == ".train")
    for (const auto& [suffix, role] : {std::pair(".test", Role::test), std::pair(".dev", Role::validation)})
      if (const fs::path file = fs::path(train).replace_extension(suffix); fs::is_regular_file(file))
        add(collection, file, role);
  for (const auto& [file, role] : files_beside(train)) add(collection, file, role);
  return collection.finish();
}

}  // namespace fewlabel
