#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/text.h"
#include "data/class_list.h"
#include "data/sources/file_list.h"
#include "data/sources/table.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kLargest = int64_t{2} << 30;

struct Columns {
  std::size_t path = 0, label = 1, split = SIZE_MAX;
};

std::size_t find_column(const Row& row, std::initializer_list<std::string_view> names) {
  for (std::size_t c = 0; c < row.fields.size(); ++c)
    if (std::find(names.begin(), names.end(), lower(row.fields[c])) != names.end()) return c;
  return SIZE_MAX;
}

/// A column with the labels under a name that we do not know must not make every example unlabelled.
void refuse_unknown_columns(const Row& header, const Columns& known, const std::string& where) {
  for (std::size_t c = 0; c < header.fields.size(); ++c)
    if (c != known.path && c != known.split)
      throw_data(where,
                 fmt::format("line {}: none of the columns is called label, and '{}' is not known", header.line,
                             printable(header.fields[c])),
                 "call the column of the classes label, or remove the column");
}

struct Rows {
  std::vector<Row> rows;
  Columns columns;
};

Rows read_rows(const fs::path& file) {
  const std::string where = file.string();
  const Bytes bytes = read_bytes(file, kLargest);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  check_utf8(text, where);
  const std::string suffix = lower(file.extension().string());
  if (suffix == ".jsonl" || suffix == ".ndjson") return {parse_json_lines(text, where), {0, 1, 2}};
  Rows result{parse_separated(text, suffix == ".tsv" ? '\t' : ',', where), {}};
  if (result.rows.empty()) return result;
  const std::size_t path = find_column(result.rows[0], {"path", "file", "filename", "image"});
  if (path == SIZE_MAX) {
    result.columns.label = result.rows[0].fields.size() > 1 ? 1 : SIZE_MAX;
  } else {
    result.columns = {path, find_column(result.rows[0], {"label", "class"}), find_column(result.rows[0], {"split"})};
    if (result.columns.label == SIZE_MAX) refuse_unknown_columns(result.rows[0], result.columns, where);
  }
  const std::size_t width = result.rows[0].fields.size();
  for (const Row& row : result.rows)
    if (row.fields.size() != width)
      throw_data(where,
                 fmt::format("line {}: {} columns where the first line has {}", row.line, row.fields.size(), width),
                 "a comma inside a field needs quotes around the field");
  if (path != SIZE_MAX) result.rows.erase(result.rows.begin());
  return result;
}

/// The two splits while they are read; labels are provisional.
struct Reader {
  FileList train, test;
  LabelTexts train_labels, test_labels;

  void read(const fs::path& file, bool held_out) {
    const auto [rows, columns] = read_rows(file);
    std::unordered_map<std::string_view, const Row*> seen;
    for (const Row& row : rows) {
      const auto field = [&](std::size_t column) {
        return column < row.fields.size() ? row.fields[column] : std::string();
      };
      const std::string place = fmt::format("{}, line {}", file.string(), row.line);
      const std::string path = field(columns.path), label = field(columns.label), split = lower(field(columns.split));
      if (path.empty()) throw_data(place, "names no file");
      const auto [first, fresh] = seen.try_emplace(row.fields[columns.path], &row);
      if (!fresh)
        throw_data(place, fmt::format("'{}' is listed twice, first in line {}", path, first->second->line),
                   "keep one line for each file");
      if (!split.empty() && split != "train" && split != "test")
        throw_data(place, fmt::format("split '{}' is neither train nor test", split));
      const bool to_test = held_out || split == "test";
      FileList& list = to_test ? test : train;
      list.paths.add(path);
      list.labels.push_back((to_test ? test_labels : train_labels).add(label, place));
    }
  }
};

bool held_out_name(const fs::path& file) { return lower(file.stem().string()) == "test"; }

}  // namespace

bool is_manifest(const fs::path& file) {
  const std::string suffix = lower(file.extension().string());
  return suffix == ".csv" || suffix == ".tsv" || suffix == ".jsonl" || suffix == ".ndjson";
}

std::vector<fs::path> find_manifests(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto* stem : {"train", "manifest", "labels", "metadata"}) {
    for (const auto* suffix : {".csv", ".tsv", ".jsonl", ".ndjson"})
      if (found.empty() && fs::is_regular_file(folder / (std::string(stem) + suffix)))
        found.push_back(folder / (std::string(stem) + suffix));
  }
  if (found.empty()) return {};
  const fs::path test = folder / ("test" + found[0].extension().string());
  if (fs::is_regular_file(test)) found.push_back(test);
  return found;
}

Opened open_manifest(const OpenRequest& request) {
  const bool one_file = !fs::is_directory(request.path);
  const auto files = one_file ? std::vector{request.path} : find_manifests(request.path);
  Reader reader;
  reader.train.root = reader.test.root = files[0].parent_path();
  for (const auto& file : files) reader.read(file, !one_file && held_out_name(file));
  if (reader.train.paths.size() == 0)  // a manifest of test rows alone, named as the separate test set
    std::swap(reader.train, reader.test), std::swap(reader.train_labels, reader.test_labels);
  if (reader.train.paths.size() == 0) throw_data(files[0].string(), "lists no file");
  const ClassMap map = map_classes(reader.train_labels, request.classes, NumberLabels::may_be_indices);
  const ClassMap test_map = map_classes(reader.test_labels, map.classes, NumberLabels::may_be_indices);
  for (int32_t& label : reader.train.labels) label = map(label);
  for (int32_t& label : reader.test.labels) label = test_map(label);
  Opened opened;
  const int64_t limit = request.options.max_pixels;
  const bool has_test = reader.test.paths.size() > 0;
  opened.train = std::make_shared<FileListSource>(std::move(reader.train), map.classes, limit);
  if (has_test) opened.test = std::make_shared<FileListSource>(std::move(reader.test), map.classes, limit);
  return opened;
}

}  // namespace fewlabel
