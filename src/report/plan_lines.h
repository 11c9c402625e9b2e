// config.toml and plan.toml of a run, line by line: enough to show and to compare them without a TOML reader.
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace fewlabel {

/// "key = value" lines, keys with their table's name in front, numbers in their shortest form; none when the file
/// cannot be read.
std::vector<std::pair<std::string, std::string>> plan_lines(const std::filesystem::path& path);

/// The text of a TOML string; other values as they are.
std::string unquoted(const std::string& value);

}  // namespace fewlabel
