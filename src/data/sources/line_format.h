// Text files with an example a line, and where the labels stand in them.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fewlabel {

enum class LineFormat {
  plain,         // a text, no label
  label_first,   // `LABEL text`: the first word is the class
  coarse_first,  // `COARSE:fine text`, as TREC has it: what stands before the colon is the class
  fasttext,      // `__label__x text`
  table,         // columns between tabs
};

/// By the first lines. `unlabeled`: no first word is a label.
LineFormat find_line_format(std::string_view text, bool unlabeled);
/// "the first word of each line is its label", for people.
std::string describe(LineFormat format);

struct LabeledLine {
  int64_t number = 0;  // from 1
  std::string_view text;
  std::string label;  // empty: none
  std::string fault;
};
/// Calls `use` with each line that is not blank.
void read_lines(std::string_view text, LineFormat format, const std::function<void(const LabeledLine&)>& use);

}  // namespace fewlabel
