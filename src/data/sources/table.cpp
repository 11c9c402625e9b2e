#include "data/sources/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/cancel.h"
#include "core/text.h"
#include "data/byte_file.h"
#include "data/sources/encoding.h"

namespace fewlabel {
namespace {

std::string at_line(const std::string& where, int64_t line) { return fmt::format("{}, line {}", where, line); }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const auto start = text.find_first_not_of(kBlank);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlank) - start + 1);
}

class SeparatedRows final : public RowReader {
 public:
  SeparatedRows(std::string_view text, char separator, std::string where, Quotes quotes)
      : text_(text), separator_(separator), where_(std::move(where)), quotes_(quotes) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // byte order mark
  }

  bool next(Row& row) override {
    row.fault.clear();
    row.odd.clear();
    while (at_ < text_.size()) {
      if ((++rows_ & 0xfff) == 0) stop_if_cancelled("data");
      const std::size_t start = at_;
      const int64_t line = line_;
      bare_.clear();
      std::size_t broken = read_row(row);
      // Quotes over several lines that leave another number of fields were none.
      while (quotes_ == Quotes::keep && broken != kNowhere && width_ > 0 && row.fields.size() != width_) {
        bare_.push_back(broken);
        note(line);
        at_ = start;
        line_ = line;
        broken = read_row(row);
      }
      if (row.fields.size() == 1 && row.fields[0].empty()) continue;
      if (width_ == 0) width_ = row.fields.size();
      return true;
    }
    return false;
  }
  const std::vector<std::string>& columns() const override { return none_; }
  std::pair<int64_t, int64_t> bare_quotes() const override { return {bare_count_, first_bare_}; }

 private:
  static constexpr std::size_t kNowhere = SIZE_MAX;

  /// Where the first quote that spans lines was opened, else kNowhere.
  std::size_t read_row(Row& row) {
    row.line = line_;
    std::size_t count = 0, spans = kNowhere;
    bool more = true;
    while (more) {
      if (count == row.fields.size()) row.fields.emplace_back();
      std::string& field = row.fields[count++];
      field.clear();
      const std::size_t opened = at_;
      const int64_t line = line_;
      if (at_ < text_.size() && text_[at_] == '"' && !is_bare(at_) && read_quoted(field)) {
        if (line_ != line && spans == kNowhere) spans = opened;
      } else {
        at_ = opened;
        line_ = line;
        const std::size_t end = next_break(at_);
        field = trimmed(text_.substr(at_, end - at_)).substr(0, kLongestText + 1);
        at_ = end;
      }
      more = at_ < text_.size() && text_[at_] == separator_;
      if (more || at_ < text_.size()) ++at_;
    }
    row.fields.resize(count);
    ++line_;
    return spans;
  }

  bool is_bare(std::size_t at) const { return std::find(bare_.begin(), bare_.end(), at) != bare_.end(); }

  std::size_t next_break(std::size_t at) const {
    while (at < text_.size() && text_[at] != separator_ && text_[at] != '\n') ++at;
    return at;
  }

  /// False where the quote opens nothing and must be taken as it stands.
  bool read_quoted(std::string& field) {
    const std::size_t start = at_;
    const int64_t opened = line_;
    for (++at_;; ++at_) {
      const std::size_t end = std::min(text_.find_first_of("\"\n", at_), text_.size());
      append(field, text_.substr(at_, end - at_));
      at_ = end;
      if (at_ >= text_.size()) return bare(field, start, opened, "a quote is opened and never closed", "");
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      append(field, text_.substr(at_, 1));
    }
    ++at_;
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n')
      return bare(field, start, line_, "text follows a closing quote", "double the quotes inside a quoted field");
    return true;
  }

  bool bare(std::string& field, std::size_t start, int64_t line, const std::string& reason, const std::string& hint) {
    if (quotes_ == Quotes::refuse) throw_data(at_line(where_, line), reason, hint);
    field.clear();
    if (start >= counted_) {  // a row may be read twice
      note(line);
      counted_ = start + 1;
    }
    return false;
  }

  void note(int64_t line) {
    if (bare_count_++ == 0) first_bare_ = line;
  }

  static void append(std::string& field, std::string_view more) {
    const auto room =
        static_cast<std::size_t>(kLongestText) + 1 - std::min(field.size(), std::size_t{kLongestText} + 1);
    field += more.substr(0, room);
  }

  std::string_view text_;
  char separator_;
  std::string where_;
  Quotes quotes_;
  std::size_t at_ = 0, width_ = 0, counted_ = 0;
  std::vector<std::size_t> bare_;  // quotes of this row that are taken as they stand
  int64_t line_ = 1, rows_ = 0, bare_count_ = 0, first_bare_ = 0;
  std::vector<std::string> none_;
};

}  // namespace

std::unique_ptr<RowReader> separated_rows(std::string_view text, char separator, const std::string& where,
                                          Quotes quotes) {
  return std::make_unique<SeparatedRows>(text, separator, where, quotes);
}

void check_utf8(std::string_view text, const std::string& where) {
  int64_t line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0 || c == '\0') throw_data(at_line(where, line), "is not UTF-8 text", "save the file as UTF-8");
    if (c == '\n') ++line;
    i += length;
  }
}

}  // namespace fewlabel
