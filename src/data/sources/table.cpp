#include "data/sources/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "data/byte_file.h"
#include "fewlabel/config.h"

namespace fewlabel {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;
constexpr int kDeepest = 64;

std::string at_line(const std::string& where, int64_t line) { return fmt::format("{}, line {}", where, line); }

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

std::string json_field(const Json& object, std::initializer_list<const char*> keys, const std::string& where) {
  for (const char* key : keys) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) continue;
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number_integer()) return std::to_string(found->get<int64_t>());
    throw_data(where, fmt::format("'{}' must be a text, a whole number or null", key));
  }
  return {};
}

Json parse_object(std::string_view text, const std::string& where) {
  if (text.size() > kLongestLine) throw_data(where, "is longer than 1 MB");
  if (depth(text) > kDeepest) throw_data(where, fmt::format("nests deeper than {} brackets", kDeepest));
  Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) throw_data(where, "is no JSON object");
  return object;
}

}  // namespace

std::vector<Row> parse_separated(std::string_view text, char separator, const std::string& where) {
  std::vector<Row> rows;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // byte order mark
  int64_t line = 1;
  std::size_t at = 0;
  while (at < text.size()) {
    Row row{line, {}};
    bool more = true;
    while (more) {
      std::string field;
      if (at < text.size() && text[at] == '"') {
        const int64_t opened = line;
        for (++at;; ++at) {
          if (at >= text.size()) throw_data(at_line(where, opened), "a quote is opened and never closed");
          if (text[at] == '\n') ++line;
          if (text[at] != '"')
            field += text[at];
          else if (at + 1 < text.size() && text[at + 1] == '"')
            field += text[at++];
          else
            break;
        }
        ++at;
        if (at < text.size() && text[at] == '\r') ++at;
        if (at < text.size() && text[at] != separator && text[at] != '\n')
          throw_data(at_line(where, line), "text follows a closing quote", "double the quotes inside a quoted field");
      } else {
        const std::size_t end = std::min(text.find_first_of(std::string{separator, '\n'}, at), text.size());
        field = trim(text.substr(at, end - at));
        at = end;
      }
      row.fields.push_back(std::move(field));
      more = at < text.size() && text[at] == separator;
      if (more || at < text.size()) ++at;
    }
    ++line;
    if (row.fields.size() > 1 || !row.fields[0].empty()) rows.push_back(std::move(row));
  }
  return rows;
}

std::string label_from_json(std::string_view text, const std::string& where) {
  const std::string label = json_field(parse_object(text, where), {"label", "cls", "class"}, where);
  return label == "-1" ? std::string() : label;
}

std::vector<Row> parse_json_lines(std::string_view text, const std::string& where) {
  std::vector<Row> rows;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (int64_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trim(raw).empty()) continue;
    const std::string place = at_line(where, line);
    const Json object = parse_object(raw, place);
    rows.push_back({line,
                    {json_field(object, {"path", "file", "filename", "image"}, place),
                     json_field(object, {"label", "class"}, place), json_field(object, {"split"}, place)}});
  }
  return rows;
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
