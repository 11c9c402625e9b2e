#include "core/nearby.h"

#include <algorithm>

#include "fewlabel/config.h"

namespace fewlabel {
namespace fs = std::filesystem;

std::vector<std::string> nearby_paths(const fs::path& path) {
  fs::path wanted = path.has_filename() ? path : path.parent_path();
  std::error_code error;
  while (wanted.has_parent_path() && wanted.parent_path() != wanted && !fs::exists(wanted.parent_path(), error))
    wanted = wanted.parent_path();
  constexpr std::size_t kMost = 10'000;  // names; a folder of a million photographs is not worth reading for a hint
  std::vector<std::string> names;
  fs::directory_iterator at(wanted.has_parent_path() ? wanted.parent_path() : ".", error), end;
  for (; !error && at != end && names.size() < kMost; at.increment(error))
    if (const std::string name = at->path().filename().string(); !name.starts_with('.')) names.push_back(name);
  std::sort(names.begin(), names.end());
  std::vector<std::string> near = nearest_names(wanted.filename().string(), names);
  for (std::string& name : near) name = (wanted.parent_path() / name).string();
  return near;
}

}  // namespace fewlabel
