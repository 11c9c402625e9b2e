#include "plan/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr std::size_t kMostCells = 1000;

bool is_quoted(const std::string& text) {
  return text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.front() == text.back();
}

std::string folder_name(const std::string& text) {
  std::string name = plain_name(text);
  name.erase(std::min(name.find_last_not_of(".-") + 1, name.size()));
  name.erase(0, std::min(name.find_first_not_of(".-"), name.size()));
  return name;
}

/// "fixmatch" of method=fixmatch, "seed-0" of seed=0, "tau-0.9" of method.tau=0.9.
std::string part_of_name(const std::string& key, const std::string& value) {
  const bool speaks = key == "method" || key == "net" || key == "data" || key.ends_with(".name") || key == "data.path";
  const std::string plain = folder_name(value);
  return speaks && !plain.empty() ? plain : folder_name(key.substr(key.rfind('.') + 1) + "-" + value);
}

std::string cell_name(const GridCell& cell, const std::set<std::string>& taken) {
  constexpr std::size_t kLongest = 80;
  std::vector<std::string> parts;
  for (const auto& [key, value] : cell.settings) parts.push_back(part_of_name(key, value));
  std::string name = parts.empty() ? "run" : join(parts, "-");
  if (name.size() > kLongest) name.resize(kLongest);
  std::string free = name;
  for (int next = 2; taken.contains(free); ++next) free = fmt::format("{}-{}", name, next);
  return free;
}

}  // namespace

std::vector<std::string> list_values(const std::string& text) {
  std::vector<std::string> values(1);
  char quote = 0;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
      values.back() += text[++i];
    } else if (c == ',' && !quote && depth == 0) {
      values.emplace_back();
    } else {
      values.back() += c;
      const bool opens = (c == '"' || c == '\'') && trim(values.back()).size() == 1;  // "it's" opens nothing
      if (quote ? c == quote : opens) quote = quote ? 0 : c;
      if (!quote && (c == '(' || c == '[' || c == '{')) ++depth;
      if (!quote && (c == ')' || c == ']' || c == '}')) depth = std::max(depth - 1, 0);
    }
  }
  for (std::string& value : values) {
    value = trim(value);
    if (is_quoted(value) && value.find(',') != std::string::npos) value = value.substr(1, value.size() - 2);
  }
  return values;
}

Grid make_grid(const std::vector<std::string>& words) {
  Grid grid;
  grid.cells.emplace_back();
  std::set<std::string> varied;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(ErrorKind::usage, "sweep", fmt::format("'{}' is not of the form key=value", word),
                  "for example seed=0,1,2");
    const std::string key = trim(word.substr(0, equals));
    const auto values = list_values(word.substr(equals + 1));
    if (values.size() == 1) {
      grid.fixed.push_back(key + "=" + values[0]);
      continue;
    }
    if (!varied.insert(key).second)
      throw Error(ErrorKind::usage, "sweep", fmt::format("{} is given two lists", key), "put all its values into one");
    if (std::any_of(values.begin(), values.end(), [](const std::string& value) { return value.empty(); }))
      throw Error(ErrorKind::usage, "sweep", fmt::format("'{}' holds an empty value", word),
                  "a comma that is part of a value needs quotes around the value: '" + key + "=\"a,b\"'");
    if (grid.cells.size() * values.size() > kMostCells)
      throw Error(ErrorKind::usage, "sweep", fmt::format("these are more than {} runs", with_commas(kMostCells)),
                  "sweep fewer values at once");
    std::vector<GridCell> next;
    for (const GridCell& cell : grid.cells)
      for (const std::string& value : values) {
        next.push_back(cell);
        next.back().settings.emplace_back(key, value);
      }
    grid.cells = std::move(next);
  }
  std::set<std::string> taken;
  for (GridCell& cell : grid.cells) {
    cell.name = cell_name(cell, taken);
    taken.insert(cell.name);
  }
  return grid;
}

}  // namespace fewlabel
