// The recipes that come along: where they are, what they are called, what they say about themselves.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fewlabel {

struct RecipeInfo {
  std::string name;   // "fashion_mnist/freematch"
  std::string title;  // the first line of its comment
  std::filesystem::path path;
};

/// Below ./recipes, share/fewlabel/recipes of the installation, and the source tree of a build; each name once.
std::vector<RecipeInfo> all_recipes();

/// The file for a path or a name, where there is one.
std::optional<std::string> known_recipe(const std::string& path_or_name);
/// The same; throws Error{usage} with the nearest names.
std::string find_recipe(const std::string& path_or_name);

/// The folder of the running program.
std::filesystem::path program_folder();

}  // namespace fewlabel
