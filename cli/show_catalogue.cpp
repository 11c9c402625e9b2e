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
#include "core/number.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

/// "FixMatch (arXiv:2001.07685), semi/correcting"
std::string title_line(const Json& method) {
  const std::string paper = method.value("paper", "");
  return method.value("title", "") + (paper.empty() ? "" : " (" + paper + ")") + ", " + method.value("family", "");
}

std::string value_text(const Json& value) {
  if (value.is_number_float()) return number_text(value.get<double>());
  return value.is_string() ? value.get<std::string>() : json_text(value);
}

/// One setting with its value in long runs (the paper's) and in short ones.
struct Setting {
  std::string key, paper, brief, range, help;
};

/// The method's own fields, then what else comes with it: {"optimizer": {"lr": 2e-4}} is optimizer.lr.
std::vector<Setting> settings_of(const Json& method) {
  const Json& own = method.at("settings");
  const Json& brief = method.at("short_settings");
  std::vector<Setting> all;
  const auto said = [](const Json& settings, const std::string& table, const std::string& key,
                       const std::string& otherwise) {
    const auto inner = settings.find(table);
    return inner != settings.end() && inner->contains(key) ? value_text((*inner)[key]) : otherwise;
  };
  const auto add = [&](const std::string& table, const std::string& key, const std::string& otherwise,
                       const std::string& range, const std::string& help) {
    const std::string paper = said(own, table, key, otherwise);
    all.push_back({table + "." + key, paper, said(brief, table, key, paper), range, help});
  };
  for (const auto& field : method.at("fields")) {
    const std::string range = field.value("range", "");
    add("method", field.at("name"), field.value("default", ""), range.empty() ? field.value("type", "") : range,
        field.value("help", ""));
  }
  for (const Json* part : {&own, &brief})
    for (const auto& [table, keys] : part->items())
      for (const auto& [key, value] : keys.items())
        if (table != "method" &&
            std::none_of(all.begin(), all.end(), [&](const Setting& known) { return known.key == table + "." + key; }))
          add(table, key, "auto", "", "");
  return all;
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, columns(text)), ' ');
}

/// Two columns of values where short runs take other ones than the paper, else "key = value".
std::string settings_text(const std::vector<Setting>& settings) {
  std::size_t key = 0, value = std::string("paper").size();
  bool differ = false;
  for (const Setting& setting : settings) {
    key = std::max(key, columns(setting.key));
    value = std::max({value, columns(setting.paper), columns(setting.brief)});
    differ = differ || setting.paper != setting.brief;
  }
  std::string text;
  if (differ)
    text +=
        wrap(
            "Settings of the paper, and those of short runs (below 100,000 updates) where they differ: preset=paper "
            "takes the first column, preset=short the second.",
            0) +
        "\n  " + padded("", key) + "  " + padded("paper", value) + "  short\n";
  else
    text += "Settings:\n";
  for (const Setting& setting : settings) {
    std::string line = "  " + setting.key + " = " + setting.paper;
    if (differ)
      line = "  " + padded(setting.key, key) + "  " + padded(setting.paper, value) + "  " +
             padded(setting.brief == setting.paper ? "" : setting.brief, value);
    const bool beside = columns(line) + 2 + columns(setting.range) <= kTextColumns;
    if (beside && !setting.range.empty()) line += "  " + setting.range;
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    if (!beside) text += wrap(join(split_text(setting.range, '|'), " | "), 6);
    if (!setting.help.empty()) text += wrap(setting.help, 6);
  }
  return text;
}

void show_method(const Json& method) {
  std::cout << wrap(method.at("name").get<std::string>() + ": " + title_line(method), 0) << '\n';
  const auto settings = settings_of(method);
  std::cout << (settings.empty() ? "No settings of its own.\n" : settings_text(settings));
}

/// What the methods of a family have in common, in the words of the README.
std::string family_title(const std::string& family) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kTitles = {
      {{"supervised", "labels alone: the baseline"},
       {"frozen", "few labels: the net stays as somebody trained it, and a head learns from what it sees"},
       {"tuned", "few labels: a trained net is tuned on pairs of examples, all at once"},
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
