#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/nearby.h"
#include "core/text.h"
#include "data/class_list.h"
#include "data/sources/sources.h"
#include "fewlabel/config.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

Opened open_folder(const OpenRequest& request) {
  const fs::path& folder = request.path;
  if (is_idx_folder(folder)) return open_idx(request);
  if (is_cifar_folder(folder)) return open_cifar(request);
  if (is_npy_folder(folder)) return open_npy(request);
  if (is_shard_folder(folder)) return open_shards(request);
  if (is_kaldi_folder(folder)) return open_kaldi(request);
  if (!find_manifests(folder).empty()) return open_manifest(request);
  return open_class_folder(request);
}

using Opener = Opened (*)(const OpenRequest&);

/// By the suffix of a file of many examples, and of IDX by its content; null where it is none. Throws Error{data}
/// where the content decides and cannot be read.
Opener opener_of(const fs::path& file) {
  const std::string suffix = lower(file.extension().string());
  if (is_manifest(file)) return open_manifest;
  if (is_shard(file)) return open_shards;
  if (suffix == ".npy") return open_npy;
  if (suffix == ".bin") return open_cifar;
  return is_idx_file(file) ? open_idx : nullptr;
}

Opened open_file(const OpenRequest& request) {
  if (is_lines_file(request.path)) return open_manifest(request);
  if (const Opener open = opener_of(request.path)) return open(request);
  throw_data(request.path.string(), "is no dataset that fewlabel knows",
             "wanted: a folder of images or texts, CSV, TSV, JSONL, TXT, IDX, CIFAR .bin, NPY or tar shards");
}

std::string hint_for_missing(const fs::path& path) {
  std::vector<std::string> near = nearby_paths(path);
  if (!path.has_parent_path())
    for (std::string& name : nearest_names(path.string(), known_names())) near.push_back(std::move(name));
  if (!near.empty()) return "did you mean " + join(near, ", ") + "?";
  return "give a folder, a file, or the name of a known dataset: " + join(known_names(), ", ");
}

Opened open_any(const OpenRequest& request) {
  std::error_code error;
  const fs::file_status status = fs::status(request.path, error);
  if (!fs::status_known(status)) throw_data(request.path.string(), "cannot be read: " + error.message());
  if (fs::is_directory(status)) return open_folder(request);
  if (fs::exists(status)) return open_file(request);
  if (request.path.string().find_first_of("*?[{") != std::string::npos) return open_shards(request);
  throw_data(request.path.string(), "there is no such file or folder", hint_for_missing(request.path));
}

void need_labels(const Source& test, const std::string& where) {
  if (test.size() == 0) throw_data(where, "the test set is empty");
  int64_t without = 0, first = -1;
  const auto* faults = dynamic_cast<const Faulty*>(&test);  // whose label may be what is damaged
  for (int64_t i = 0; i < test.size(); ++i)
    if (test.label(i) < 0 && !(faults != nullptr && faults->faulty(i)) && without++ == 0) first = i;
  if (without > 0)
    throw_data(where,
               fmt::format("{} of {} test examples have no label, the first is {}", with_commas(without),
                           with_commas(test.size()), test.name(first)),
               "every example of a test set needs a label; put those without one into the training set");
}

bool has_label(const Source& source) {
  for (int64_t i = 0; i < source.size(); ++i)
    if (source.label(i) >= 0) return true;
  return false;
}

void need_same_kind(const Source& train, const Source& test, const std::string& where) {
  if (train.kind() != test.kind())
    throw_data(where, fmt::format("holds {}s where the training set holds {}s", word_for_one(test.kind()),
                                  word_for_one(train.kind())));
  // Images come in any size; rows do not.
  if (train.kind() == Kind::table && train.head(0).layout != test.head(0).layout)
    throw_data(where, fmt::format("has {} columns of numbers where the training set has {}",
                                  test.head(0).layout.sizes.at(0), train.head(0).layout.sizes.at(0)));
}

/// Builds the request for a path or a known name.
OpenRequest resolve(const std::string& path_or_name, const DataOptions& options, std::vector<std::string> classes) {
  OpenRequest request{path_or_name, options, std::move(classes)};
  if (auto known = find_known(path_or_name)) {
    request.path = known->path;
    if (request.classes.empty()) request.classes = std::move(known->classes);
  }
  return request;
}

std::string short_name(const std::string& path_or_name) {
  const fs::path path = fs::path(path_or_name).lexically_normal();
  std::string name = path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
  if (name == "." || name == "..") name = fs::absolute(path).lexically_normal().parent_path().filename().string();
  if (!fs::is_directory(path_or_name))
    if (const auto dot = name.find('.'); dot != std::string::npos && dot > 0) name.resize(dot);
  // "train.csv" says nothing of what is in it; its folder does.
  const std::string plain = lower(name);
  if (!fs::is_directory(path_or_name) && (plain == "train" || plain == "training" || plain == "data"))
    if (const auto folder = fs::absolute(path_or_name).lexically_normal().parent_path().filename().string();
        !folder.empty())
      name = folder;
  return name.empty() ? "data" : name;
}

Dataset open_both(const std::string& path_or_name, const DataOptions& options, const std::string& test_path) {
  const OpenRequest request = resolve(path_or_name, options, parse_classes(options.classes));
  const bool known = request.path != fs::path(path_or_name);
  Opened opened = open_any(request);
  if (opened.train->size() == 0) throw_data(request.path.string(), "holds no example");
  Dataset dataset;
  dataset.name = known ? path_or_name : short_name(path_or_name);
  dataset.title = known ? known_title(path_or_name) : dataset.name;
  dataset.origin = known ? path_or_name : fs::absolute(request.path).lexically_normal().string();
  dataset.classes = opened.train->classes();
  if (!test_path.empty()) {
    Opened held_out = open_any(resolve(test_path, options, dataset.classes));
    if (opened.test)
      opened.notes.push_back(fmt::format("its own test set of {} examples is left out: {} is given as the test set",
                                         with_commas(opened.test->size()), printable(test_path)));
    opened.test = held_out.test ? held_out.test : held_out.train;
    opened.notes.insert(opened.notes.end(), held_out.notes.begin(), held_out.notes.end());
    need_same_kind(*opened.train, *opened.test, test_path);
    need_labels(*opened.test, test_path);
  } else if (opened.test) {
    need_labels(*opened.test, request.path.string());
  }
  if (opened.validation && !has_label(*opened.validation)) {
    opened.notes.push_back(fmt::format("{} examples for validation have no label and are left out",
                                       with_commas(opened.validation->size())));
    opened.validation = nullptr;
  }
  // Without a label to learn from, the test set alone says what there is to tell apart.
  if (dataset.classes.empty() && opened.test) dataset.classes = opened.test->classes();
  if (dataset.classes.empty() && opened.validation) dataset.classes = opened.validation->classes();
  dataset.notes = std::move(opened.notes);
  dataset.train = std::move(opened.train);
  dataset.test = std::move(opened.test);
  dataset.validation = std::move(opened.validation);
  return dataset;
}

}  // namespace

bool is_dataset_file(const std::string& path) {
  try {
    return opener_of(path) != nullptr;
  } catch (const Error&) {
    std::error_code ignored;
    return !fs::is_regular_file(path, ignored) && path.find_first_of("*?[{") != std::string::npos;
  }
}

Dataset open_dataset(const std::string& path_or_name, const DataOptions& options, const std::string& test_path) {
  try {
    return open_both(path_or_name, options, test_path);
  } catch (const fs::filesystem_error& error) {  // a folder that may not be listed, above all
    throw_data(error.path1().empty() ? path_or_name : error.path1().string(),
               "cannot be read: " + error.code().message());
  }
}

}  // namespace fewlabel
