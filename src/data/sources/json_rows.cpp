#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/cancel.h"
#include "core/text.h"
#include "data/byte_file.h"
#include "data/sources/table.h"
#include "fewlabel/config.h"

namespace fewlabel {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;
constexpr int kDeepest = 64, kRowsForColumns = 256;
constexpr std::size_t kMostNames = 10'000;  // of columns: the first rows are kept with a field for each

/// Sorted: the objects of Json, which keep their order, look each key up among all before it.
using Object = nlohmann::json;

/// How deep brackets nest, without parsing: refused before a parser sees it.
int depth(std::string_view text) {
  int now = 0, most = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && (text[i] == '{' || text[i] == '['))
      most = std::max(most, ++now);
    else if (!quoted && (text[i] == '}' || text[i] == ']'))
      --now;
  }
  return most;
}

/// Why it is none, where it is none.
std::string parse_object(std::string_view text, Object& object) {
  if (text.size() > kLongestLine) return "is longer than 1 MB";
  if (depth(text) > kDeepest) return fmt::format("nests deeper than {} brackets", kDeepest);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) return "is not UTF-8 text";
    at += length;
  }
  object = Object::parse(text, nullptr, false);
  if (!object.is_object()) return "is no JSON object";
  return object.size() <= kMostNames ? "" : fmt::format("has more than {} names", with_commas(kMostNames));
}

/// False for a list or an object.
bool to_field(const Object& value, std::string& field) {
  field.clear();
  if (value.is_structured()) return false;
  if (value.is_string())
    field = value.get_ref<const std::string&>();
  else if (!value.is_null())
    field = value.dump();
  return true;
}

class JsonRows final : public RowReader {
 public:
  explicit JsonRows(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    const std::string_view all = text_;
    std::set<std::string> names;
    Row row;
    for (int k = 0; k < kRowsForColumns && next(row); ++k)
      if (row.fault.empty())
        for (const auto& [name, value] : object_.items())
          if (names.size() < kMostNames) names.insert(name);
    columns_.assign(names.begin(), names.end());
    text_ = all;
    line_ = 0;
  }

  bool next(Row& row) override {
    row.fault.clear();
    row.odd.clear();
    while (!text_.empty()) {
      ++line_;
      stop_if_cancelled("data");
      const std::size_t end = std::min(text_.find('\n'), text_.size());
      const std::string_view raw = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      if (raw.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      row.line = line_;
      row.fault = parse_object(raw, object_);
      if (row.fault.empty() && object_.empty()) row.fault = "holds nothing";  // else a table of such has no column
      row.fields.resize(columns_.size());
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        row.fields[c].clear();
        if (!row.fault.empty()) continue;
        const auto found = object_.find(columns_[c]);
        if (found != object_.end() && !to_field(*found, row.fields[c])) row.odd.push_back(c);
      }
      return true;
    }
    return false;
  }
  const std::vector<std::string>& columns() const override { return columns_; }

 private:
  std::string_view text_;
  int64_t line_ = 0;
  std::vector<std::string> columns_;
  Object object_;
};

}  // namespace

std::unique_ptr<RowReader> json_rows(std::string_view text) { return std::make_unique<JsonRows>(text); }

std::string label_from_json(std::string_view text, const std::string& where) {
  Object object;
  if (const std::string reason = parse_object(text, object); !reason.empty()) throw_data(where, reason);
  for (const char* key : {"label", "cls", "class"}) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) continue;
    if (found->is_string() || found->is_number_integer()) {
      std::string label;
      to_field(*found, label);
      return label;
    }
    throw_data(where, fmt::format("'{}' must be a text, a whole number or null", key));
  }
  return {};
}

}  // namespace fewlabel
