#include "report/text_table.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "core/text.h"

namespace fewlabel {
namespace {

constexpr std::size_t kNarrowest = 4, kGap = 2;

/// Where the characters of `text` start.
std::vector<std::size_t> characters(const std::string& text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<uint8_t>(text[i]) & 0xC0u) != 0x80u) starts.push_back(i);
  return starts;
}

// The middle goes: names of runs differ in their first letters or in their last.
std::string cut_to(const std::string& text, std::size_t width) {
  if (columns(text) <= width) return text;
  const std::vector<std::size_t> starts = characters(text);
  const std::size_t tail = (width - 1) / 2, head = width - 1 - tail;
  return text.substr(0, starts[head]) + "…" + (tail ? text.substr(starts[starts.size() - tail]) : "");
}

// The least width at which the first cells of all rows are as distinct as they are whole.
std::size_t distinct_width(const Rows& rows) {
  const auto count = [&](std::size_t width) {
    std::set<std::string> cells;
    for (const auto& row : rows) cells.insert(width ? cut_to(row[0], width) : row[0]);
    return cells.size();
  };
  std::size_t width = kNarrowest;
  for (const std::size_t whole = count(0); count(width) < whole;) ++width;
  return width;
}

std::vector<std::size_t> natural_widths(const Rows& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], columns(row[c]));
  return widths;
}

void pad(std::string& line, std::size_t to) { line += std::string(to - std::min(to, columns(line)), ' '); }

void add_line(std::string& text, const std::string& line) {
  text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

/// How many of the first characters of a word that is too wide go on the first line.
std::size_t break_at(const std::string& word, const std::vector<std::size_t>& starts, std::size_t width) {
  constexpr std::string_view kSigns = "/,+-_:;=)";
  for (std::size_t n = width; n > width / 2; --n)
    if (kSigns.find(word[starts[n - 1]]) != std::string_view::npos) return n;
  return width;
}

void add_block(std::string& text, const Rows& rows, std::size_t first, std::size_t end,
               const std::vector<std::size_t>& widths) {
  for (const auto& row : rows) {
    std::vector<std::vector<std::string>> cells = {folded_cell(row[0], widths[0])};
    for (std::size_t c = first; c < end; ++c) cells.push_back(folded_cell(row[c], widths[c]));
    std::size_t height = 0;
    for (const auto& cell : cells) height = std::max(height, cell.size());
    for (std::size_t i = 0; i < height; ++i) {
      std::string line;
      std::size_t column = 0;
      for (std::size_t c = 0; c < cells.size(); ++c) {
        pad(line, column);
        if (i < cells[c].size()) line += cells[c][i];
        column += widths[c == 0 ? 0 : first + c - 1] + kGap;
      }
      add_line(text, line);
    }
  }
}

}  // namespace

std::string cut_table(const Rows& rows, std::size_t most) {
  if (rows.empty()) return {};
  std::vector<std::size_t> widths = natural_widths(rows), least(widths.size(), kNarrowest);
  least[0] = distinct_width(rows);
  std::size_t total = kGap * (widths.size() - 1);
  for (const auto width : widths) total += width;
  for (; most > 0 && total > most; --total) {
    std::size_t widest = widths.size();
    for (std::size_t c = 0; c < widths.size(); ++c)
      if (widths[c] > least[c] && (widest == widths.size() || widths[c] > widths[widest])) widest = c;
    if (widest == widths.size()) break;
    --widths[widest];
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string value = cut_to(row[c], widths[c]);
      line += value + std::string(widths[c] - columns(value) + kGap, ' ');
    }
    add_line(text, line);
  }
  return text;
}

std::vector<std::string> folded_cell(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (std::string word : split_text(text, ' ')) {
    if (!lines.back().empty() && columns(lines.back()) + 1 + columns(word) > width) lines.emplace_back();
    while (width > 0 && columns(word) > width) {
      const std::vector<std::size_t> starts = characters(word);
      const std::size_t at = starts[break_at(word, starts, width)];
      lines.back() = word.substr(0, at);
      word.erase(0, at);
      lines.emplace_back();
    }
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

std::string folded_table(const Rows& rows, std::size_t width) {
  constexpr std::size_t kWidestKey = 30, kNarrow = 18;  // a value of that many columns still reads well
  if (rows.empty()) return {};
  std::vector<std::size_t> widths = natural_widths(rows);
  const std::size_t count = widths.size() - 1;
  std::string text;
  if (width == 0 || count == 0) {
    add_block(text, rows, 1, widths.size(), widths);
    return text;
  }
  widths[0] = std::min({widths[0], kWidestKey, width / 2});
  const std::size_t room = width - widths[0];  // each further column takes its gap from it
  const std::size_t most =
      std::clamp(room / count - std::min(kGap, room / count), std::min(kNarrow, room - kGap), room - kGap);
  for (std::size_t c = 1; c < widths.size(); ++c) widths[c] = std::min(widths[c], most);
  for (std::size_t first = 1; first < widths.size();) {
    std::size_t end = first, used = 0;
    while (end < widths.size() && (end == first || used + widths[end] + kGap <= room)) used += widths[end++] + kGap;
    if (first > 1) text += "\n";
    add_block(text, rows, first, end, widths);
    first = end;
  }
  return text;
}

}  // namespace fewlabel
