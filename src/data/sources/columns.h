// What the columns of a table hold: by their names where these are known, else by looking at the first rows.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/sources/table.h"
#include "fewlabel/dataset.h"

namespace fewlabel {

inline constexpr std::size_t kNoColumn = SIZE_MAX;

/// The first rows of a table.
struct TableSample {
  std::vector<std::string> names;  // of JSONL's columns; else empty: the first row may be a header
  std::vector<Row> rows;
};

struct ColumnsRequest {
  std::string where;             // the file
  std::filesystem::path folder;  // where relative paths start
  DataOptions options;
  bool unlabeled = false;  // nobody asks for labels
};

struct Columns {
  enum class Content { files, texts, numbers };
  Content content = Content::files;
  bool header = false;              // the first row names the columns
  std::vector<std::size_t> values;  // the path; texts, which are joined by line breaks; numbers
  std::size_t label = kNoColumn, split = kNoColumn;
  std::size_t transcript = kNoColumn;  // of recordings: what is said, where that is what is learnt; then label is none
  std::size_t begin = kNoColumn, end = kNoColumn, duration = kNoColumn;  // of recordings, in seconds
  std::vector<std::string> names;                                        // empty where nothing names them
  bool guessed = false;                                                  // by looking
};

/// Throws Error{data}: an option names a column that is not there, no column can be a label where one is named in an
/// unknown way, nothing tells what the table holds.
Columns find_columns(const TableSample& sample, const ColumnsRequest& request);

/// "text from title and body, labels from category", for people.
std::string describe_columns(const Columns& columns);

}  // namespace fewlabel
