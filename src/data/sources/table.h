// Rows of text fields from CSV, TSV (RFC 4180: quotes, doubled quotes, line breaks inside quotes) and JSONL, one at a
// time: a table of gigabytes is read in the memory of its file.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel {

struct Row {
  int64_t line = 0;                   // where it starts, from 1
  std::vector<std::string> fields;    // one for each column; at most a little over kLongestText bytes of each are kept
  std::string fault = {};             // why it is none, where it is none
  std::vector<std::size_t> odd = {};  // JSONL: columns that hold neither text nor number nor null
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  /// The next row, in the memory of the one before; false at the end. Blank lines are left out.
  virtual bool next(Row& row) = 0;
  /// Names of the columns where the format itself has them (JSONL), else empty.
  virtual const std::vector<std::string>& columns() const = 0;
  /// Quotes that were taken as they stand, and the line of the first.
  virtual std::pair<int64_t, int64_t> bare_quotes() const { return {0, 0}; }
};

/// What to do about quotes that break RFC 4180 (never closed, text behind the closing one): refuse the file with
/// Error{data}, naming the line; or take the quote as it stands, so that one stray quote does not swallow what follows.
/// A row of several lines that has not as many fields as the first row is read again in this way.
enum class Quotes { refuse, keep };

std::unique_ptr<RowReader> separated_rows(std::string_view text, char separator, const std::string& where,
                                          Quotes quotes);
/// Columns are the keys of the first rows, in alphabetical order. A line that is no object is a row with a fault.
std::unique_ptr<RowReader> json_rows(std::string_view text);

/// The label of one JSON object: its "label", "cls" or "class"; empty when missing or null. Throws Error{data}.
std::string label_from_json(std::string_view text, const std::string& where);

/// Throws Error{data} when the text is not UTF-8, naming the line.
void check_utf8(std::string_view text, const std::string& where);

}  // namespace fewlabel
