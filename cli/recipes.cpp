#include "cli/recipes.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "core/text.h"
#include "fewlabel/config.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

/// Where recipes may be, nearest first. The last is the source tree of a program run from build/<preset>/bin.
std::vector<fs::path> recipe_roots() {
  const fs::path here = program_folder();
  return {"recipes", here / "../share/fewlabel/recipes", here / "../../share/fewlabel/recipes",
          here / "../../../recipes"};
}

std::string title_of(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line.starts_with("#") ? trim(line.substr(1)) : std::string();
}

}  // namespace

fs::path program_folder() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  return program.parent_path();
}

std::vector<RecipeInfo> all_recipes() {
  std::vector<RecipeInfo> result;
  std::set<std::string> seen;
  for (const auto& root : recipe_roots()) {
    std::error_code error;
    fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error), end;
    for (; !error && at != end; at.increment(error)) {
      if (at->path().extension() != ".toml") continue;
      std::string name = fs::relative(at->path(), root, error).replace_extension().generic_string();
      if (seen.insert(name).second) result.push_back({std::move(name), title_of(at->path()), at->path()});
    }
  }
  std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return result;
}

std::optional<std::string> known_recipe(const std::string& path_or_name) {
  std::error_code ignored;
  if (fs::is_regular_file(path_or_name, ignored)) return path_or_name;
  for (const auto& recipe : all_recipes())
    if (recipe.name == path_or_name || recipe.name + ".toml" == path_or_name ||
        "recipes/" + recipe.name + ".toml" == path_or_name)
      return recipe.path.string();
  return std::nullopt;
}

std::string find_recipe(const std::string& path_or_name) {
  if (auto known = known_recipe(path_or_name)) return *std::move(known);
  std::error_code ignored;
  if (fs::is_directory(path_or_name, ignored))
    throw Error(ErrorKind::usage, "recipe", fmt::format("'{}' is a folder, wanted a TOML file", path_or_name),
                fmt::format("to train on it: fewlabel train data={}", path_or_name));
  std::vector<std::string> names;
  for (const auto& recipe : all_recipes()) names.push_back(recipe.name);
  const bool file = path_or_name.ends_with(".toml");
  const std::string name = file ? path_or_name.substr(0, path_or_name.size() - 5) : path_or_name;
  throw Error(
      ErrorKind::usage, "recipe", fmt::format("there is no {} '{}'", file ? "such file:" : "recipe", path_or_name),
      nearest_names(name, names).empty() ? "`fewlabel recipes` lists those that come along" : suggestion(name, names));
}

}  // namespace fewlabel
