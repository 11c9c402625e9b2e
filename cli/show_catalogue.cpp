// fewlabel methods, fewlabel recipes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "cli/catalogue.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/recipes.h"
#include "core/files.h"
#include "core/json_text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

/// "FixMatch (arXiv:2001.07685), semi/correcting"
std::string title_line(const Json& method) {
  const std::string paper = method.value("paper", "");
  return method.value("title", "") + (paper.empty() ? "" : " (" + paper + ")") + ", " + method.value("family", "");
}

void show_method(const Json& method) {
  std::cout << method.at("name").get<std::string>() << ": " << title_line(method) << '\n';
  if (method.at("fields").empty()) {
    std::cout << "\nNo settings of its own.\n";
    return;
  }
  std::cout << "\nSettings:\n";
  for (const auto& field : method.at("fields")) {
    const std::string range = field.value("range", "");
    std::cout << fmt::format("  method.{} = {}  {}\n", field.at("name").get<std::string>(), field.value("default", ""),
                             range.empty() ? "(" + field.value("type", "") + ")" : range)
              << wrap(field.value("help", ""), 6);
  }
}

/// What the methods of a family have in common, in the words of the README.
std::string family_title(const std::string& family) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTitles = {
      {{"supervised", "labels alone: the baseline"},
       {"semi/correcting", "few labels: the model corrects itself on the unlabelled examples"},
       {"semi/generative", "few labels: a generator makes virtual examples"},
       {"self/autoencoding", "no labels: encode, decode, compare with the input"},
       {"self/adversarial", "no labels: generator and discriminator teach each other"},
       {"self/joint_embedding", "no labels: two views of one example must agree"}}};
  for (const auto& [known, title] : kTitles)
    if (known == family) return std::string(title);
  return {};
}

void list_methods(const Json& catalogue) {
  std::size_t column = 0;
  std::vector<std::string> families;
  for (const auto& method : catalogue) {
    column = std::max(column, method.at("name").get<std::string>().size() + 4);
    const std::string family = method.value("family", "");
    if (std::find(families.begin(), families.end(), family) == families.end()) families.push_back(family);
  }
  for (std::size_t i = 0; i < families.size(); ++i) {
    const std::string title = family_title(families[i]);
    std::cout << (i ? "\n" : "") << wrap(families[i] + (title.empty() ? "" : " (" + title + ")"), 0);
    for (const auto& method : catalogue) {
      if (method.value("family", "") != families[i]) continue;
      const std::string paper = method.value("paper", "");
      std::cout << entry(method.at("name").get<std::string>(),
                         method.value("title", "") + (paper.empty() ? "" : ", " + paper), column);
    }
  }
}

}  // namespace

void show_methods(const Options& options) {
  const Json& catalogue = method_catalogue_at_build();
  if (options.words.empty()) {
    if (options.json) {
      std::cout << json_text(catalogue, 2) << '\n';
      return;
    }
    list_methods(catalogue);
    return;
  }
  std::vector<std::string> names;
  for (const auto& method : catalogue) {
    names.push_back(method.at("name"));
    if (names.back() != options.words[0]) continue;
    if (options.json)
      std::cout << json_text(method, 2) << '\n';
    else
      show_method(method);
    return;
  }
  throw Error(ErrorKind::usage, "methods", fmt::format("there is no method '{}'", options.words[0]),
              suggestion(options.words[0], names));
}

void show_recipes(const Options& options) {
  if (!options.words.empty()) {
    const std::string path = find_recipe(options.words[0]);
    const std::string text = read_file(path);
    if (options.json)
      std::cout << json_text(Json{{"name", options.words[0]}, {"path", path}, {"text", text}}, 2) << '\n';
    else
      std::cout << text;
    return;
  }
  const auto recipes = all_recipes();
  if (options.json) {
    Json list = Json::array();
    for (const auto& recipe : recipes)
      list.push_back({{"name", recipe.name}, {"title", recipe.title}, {"path", recipe.path.string()}});
    std::cout << json_text(list, 2) << '\n';
    return;
  }
  std::size_t column = 0;
  for (const auto& recipe : recipes) column = std::max(column, recipe.name.size() + 4);
  for (const auto& recipe : recipes) std::cout << entry(recipe.name, recipe.title, column);
  if (recipes.empty()) std::cerr << "fewlabel: no recipes were found beside this program\n";
}

}  // namespace fewlabel
