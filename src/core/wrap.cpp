#include "core/wrap.h"

#include <algorithm>

#include "core/text.h"

namespace fewlabel {
namespace {

/// Appends `paragraph` in lines, the first after `first` blanks, the others after `indent`.
void add_lines(std::string& text, const std::string& paragraph, std::size_t first, std::size_t indent,
               std::size_t width) {
  std::string line(first, ' ');
  bool empty = true;
  for (const auto& word : split_text(paragraph, ' ')) {
    if (!empty && columns(line) + 1 + columns(word) > width) {
      text += line + "\n";
      line.assign(indent, ' ');
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  text += trim(line).empty() ? "" : line;
}

}  // namespace

std::string wrap(std::string_view text, std::size_t indent, std::size_t width) {
  std::string result;
  for (const auto& paragraph : split_text(text, '\n')) {
    add_lines(result, paragraph, indent, indent, width);
    result += '\n';
  }
  return result;
}

std::string fold(std::string_view text, std::size_t width) {
  std::string result;
  bool first = true;
  for (const auto& line : split_text(text, '\n')) {
    if (!first) result += '\n';
    first = false;
    const std::size_t blanks = std::min(line.find_first_not_of(' '), line.size());
    if (columns(line) <= width)
      result += line;
    else
      add_lines(result, line.substr(blanks), blanks, blanks + 2, width);
  }
  return result;
}

}  // namespace fewlabel
