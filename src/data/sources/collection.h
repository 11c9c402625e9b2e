// What the tables and text files of one opening give together: a training set, a test set and a validation set. What a
// file is for is known as a whole; rows may say it for themselves.
#pragma once
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/class_list.h"
#include "data/sources/columns.h"
#include "data/sources/file_list.h"
#include "data/sources/line_format.h"
#include "data/sources/roles.h"
#include "data/sources/rows.h"

namespace fewlabel {

class Collection {
 public:
  explicit Collection(const OpenRequest& request);
  /// CSV, TSV or JSONL. Throws Error{data}.
  void add_table(const std::filesystem::path& file, Role role);
  /// A text file with an example a line. Throws Error{data}.
  void add_lines(const std::filesystem::path& file, Role role);
  /// The sources of all that was added, which must be of one kind. Throws Error{data}.
  Opened finish();

 private:
  struct Split {
    FileList files;
    TextRows texts;
    NumberRows numbers;
    LabelTexts labels;
    int64_t size() const { return files.paths.size() + texts.size() + numbers.size(); }
  };
  enum class Format { comma, tab, json };

  void add_rows(const std::filesystem::path& file, Role role, std::string_view text, Format format);
  Columns columns_of(const TableSample& sample, const ColumnsRequest& request);
  void add_files(RowReader& reader, const Columns& columns, Role role);
  void add_texts(RowReader& reader, const Columns& columns, Role role);
  void add_numbers(RowReader& reader, const Columns& columns, Role role);
  Span span_of(const Row& row, const Columns& columns) const;
  Role role_of_row(const Row& row, const Columns& columns, Role role) const;
  int32_t label_of(Split& split, Role role, const std::string& text, int64_t line);
  void begin_file(const std::filesystem::path& file);
  void refuse_if_mostly_faulty(const std::map<int64_t, std::string>& faults, int64_t rows, int64_t first_line) const;
  Split& split_of(Role role);
  Kind one_kind();
  Opened transcripts(Split& train, Split& test, Split& validation);
  std::shared_ptr<const Source> source_of(Split& split, Kind kind, const std::vector<std::string>& classes);

  const OpenRequest& request_;
  std::set<std::string, std::less<>> wanted_;
  std::array<Split, 3> splits_;             // train, test, validation
  std::string where_, first_;               // the file that is being read, the first that was
  Columns last_;                            // of the table before
  std::size_t last_width_ = 0;              // 0: there was none
  std::optional<LineFormat> last_lines_;    // of the file of lines before
  std::map<std::string, int64_t> missing_;  // spellings of labels that count as none
  std::vector<std::string> notes_;
};

}  // namespace fewlabel
