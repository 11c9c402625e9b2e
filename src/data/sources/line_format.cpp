#include "data/sources/line_format.h"

#include <algorithm>
#include <map>
#include <vector>

#include "core/cancel.h"

namespace fewlabel {
namespace {

constexpr std::size_t kSampledLines = 1000;
constexpr std::string_view kMark = "__label__", kBlanks = " \t\r\f\v";

std::string_view strip(std::string_view text) {
  const auto start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

/// Takes the next line off the start of `text`.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view first_word(std::string_view line) { return line.substr(0, line.find_first_of(" \t")); }

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '+' || c == '/' || c == '&';
}

bool is_label(std::string_view word) {
  return !word.empty() && word.size() <= 40 && std::all_of(word.begin(), word.end(), is_label_character);
}

/// In one case throughout, as labels are and the first words of sentences are not.
bool in_one_case(std::string_view word) {
  const bool lower = std::any_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  const bool upper = std::any_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return !(lower && upper);
}

/// Do first words come again often enough to be classes?
bool few(const std::map<std::string_view, std::size_t>& words, std::size_t lines) {
  return words.size() >= 2 && lines >= 8 && words.size() * 4 <= lines && words.size() <= 100 &&
         std::all_of(words.begin(), words.end(), [](const auto& word) { return word.second >= 2; });
}

bool has_tabs(const std::vector<std::string_view>& lines) {
  const auto tabs = [](std::string_view line) { return std::count(line.begin(), line.end(), '\t'); };
  return tabs(lines[0]) > 0 &&
         std::all_of(lines.begin(), lines.end(), [&](std::string_view line) { return tabs(line) == tabs(lines[0]); });
}

}  // namespace

LineFormat find_line_format(std::string_view text, bool unlabeled) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < kSampledLines) {
    const std::string_view raw = take_line(text);
    if (!strip(raw).empty()) lines.push_back(raw);
  }
  if (lines.empty()) return LineFormat::plain;
  if (has_tabs(lines)) return LineFormat::table;
  std::size_t marked = 0, labels = 0, coarse = 0, alike = 0;
  std::map<std::string_view, std::size_t> words, coarse_words;
  for (const std::string_view raw : lines) {
    const std::string_view line = strip(raw), word = first_word(line);
    if (line.starts_with(kMark)) ++marked;
    if (word.size() == line.size()) continue;  // a label needs a text behind it
    const auto colon = word.find(':');
    if (colon != std::string_view::npos && is_label(word.substr(0, colon)) && is_label(word.substr(colon + 1))) {
      ++coarse;
      ++coarse_words[word.substr(0, colon)];
    }
    if (is_label(word)) {
      ++labels;
      if (in_one_case(word)) ++alike;
      ++words[word];
    }
  }
  if (marked * 2 > lines.size()) return LineFormat::fasttext;
  if (unlabeled) return LineFormat::plain;
  if (coarse == lines.size() && coarse_words.size() * 2 <= lines.size()) return LineFormat::coarse_first;
  if (labels == lines.size() && alike == lines.size() && few(words, lines.size())) return LineFormat::label_first;
  return LineFormat::plain;
}

std::string describe(LineFormat format) {
  switch (format) {
    case LineFormat::label_first:
      return "the first word of each line is its label";
    case LineFormat::coarse_first:
      return "what stands before the colon of each line's first word is its label; the finer one behind it is left out";
    case LineFormat::fasttext:
      return "__label__ marks the labels, as fastText writes them";
    case LineFormat::table:
      return "columns between tabs";
    case LineFormat::plain:
      break;
  }
  return "a text a line, without labels";
}

void read_lines(std::string_view text, LineFormat format, const std::function<void(const LabeledLine&)>& use) {
  for (int64_t number = 1; !text.empty(); ++number) {
    if ((number & 0xfff) == 0) stop_if_cancelled("data");
    const std::string_view line = strip(take_line(text));
    if (line.empty()) continue;
    LabeledLine result{number, line, {}, {}};
    const std::string_view word = first_word(line);
    if (format == LineFormat::fasttext) {
      while (result.text.starts_with(kMark)) {
        const std::string_view mark = first_word(result.text);
        if (!result.label.empty()) result.fault = "has several labels; one is wanted";
        result.label = mark.substr(kMark.size());
        result.text = strip(result.text.substr(mark.size()));
      }
    } else if (format == LineFormat::label_first || format == LineFormat::coarse_first) {
      const auto colon = format == LineFormat::coarse_first ? word.find(':') : word.size();
      if (colon == std::string_view::npos || word.size() == line.size()) {
        result.fault = "does not begin with a label and a text";
      } else {
        result.label = word.substr(0, colon);
        result.text = strip(line.substr(word.size()));
      }
    }
    use(result);
  }
}

}  // namespace fewlabel
