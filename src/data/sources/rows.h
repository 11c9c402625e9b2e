// Sources whose examples are rows or lines of files: texts and rows of numbers, each with its place in its file.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/pixel_cache.h"
#include "data/sources/file_list.h"
#include "data/sources/sources.h"

namespace fewlabel {

/// What rows of any content have: a line of a file, a label, perhaps a fault.
struct RowPlaces {
  std::vector<int32_t> labels;  // provisional while files are read
  std::vector<uint32_t> lines;
  std::vector<std::pair<std::string, int64_t>> files;  // name, index of its first row
  std::map<int64_t, std::string> faults;               // why a row cannot be used
  int64_t left_out = 0;                                // rows of another split

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  void add(int32_t label, int64_t line, std::string fault);
  /// "train.csv:17"
  std::string name(int64_t index) const;
};

struct TextRows : RowPlaces {
  TextList texts;
  void add(std::string_view text, int32_t label, int64_t line, std::string fault = {});
};

struct NumberRows : RowPlaces {
  int32_t columns = 0;
  std::vector<float> values;  // rows × columns
};

std::shared_ptr<const Source> make_text_source(TextRows rows, std::vector<std::string> classes);
std::shared_ptr<const Source> make_number_source(NumberRows rows, std::vector<std::string> classes);

}  // namespace fewlabel
