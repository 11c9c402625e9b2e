// What stands beside a path that does not exist.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace fewlabel {

/// Paths of files and folders in the same folder whose names are like that of `path`, best first; written as `path`
/// is. Where that folder, too, is missing, the nearest name of it.
std::vector<std::string> nearby_paths(const std::filesystem::path& path);

}  // namespace fewlabel
