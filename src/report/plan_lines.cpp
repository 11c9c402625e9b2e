#include "report/plan_lines.h"

#include <charconv>

#include "core/files.h"
#include "core/number.h"
#include "core/text.h"
#include "fewlabel/config.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

/// Plans of older versions say 0.94999999999999996.
std::string shortest(const std::string& value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc() && end == value.data() + value.size() ? number_text(number) : value;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> plan_lines(const std::filesystem::path& path) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string text, prefix;
  try {
    text = read_file(path);
  } catch (const Error&) {
    return lines;
  }
  for (const auto& raw : split_text(text, '\n')) {
    const std::string line = trim(raw);
    const auto equals = line.find('=');
    if (line.starts_with('['))
      prefix = line.substr(1, line.find(']') - 1) + ".";
    else if (!line.empty() && line[0] != '#' && equals != std::string::npos)
      lines.emplace_back(prefix + trim(line.substr(0, equals)), shortest(trim(line.substr(equals + 1))));
  }
  return lines;
}

std::string unquoted(const std::string& value) {
  if (value.size() >= 2 && value.front() == '\'' && value.back() == '\'') return value.substr(1, value.size() - 2);
  const Json text = Json::parse(value, nullptr, false);
  return text.is_string() ? text.get<std::string>() : value;
}

}  // namespace fewlabel
