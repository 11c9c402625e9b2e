#include "report/sections.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "report/exhibit.h"
#include "report/markup.h"

namespace fewlabel {

std::string method_title(const Json& summary) {
  if (const std::string title = text_of(summary, "method_title"); !title.empty()) return title;
  const std::string name = text_of(summary, "method");
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTitles = {
      {{"supervised", "Supervised training"},
       {"pseudo_label", "Pseudo-labelling"},
       {"fixmatch", "FixMatch"},
       {"flexmatch", "FlexMatch"},
       {"freematch", "FreeMatch"}}};
  for (const auto& [known, title] : kTitles)
    if (known == name) return std::string(title);
  return name.empty() ? "The model" : name;
}

std::string plural(double count, const std::string& one, const std::string& many) {
  return count_text(count) + " " + (count == 1 ? one : many);
}

std::optional<Interval> interval_of(const Json& json, const char* low, const char* high) {
  const auto a = number_of(json, low), b = number_of(json, high);
  return a && b ? std::optional(Interval{*a, *b}) : std::nullopt;
}

std::vector<std::string> names_of(const Json& list) {
  std::vector<std::string> names;
  for (const auto& name : list)
    names.push_back(name.is_string() ? name.get<std::string>() : std::to_string(names.size()));
  return names;
}

std::string sure_share(const Json& item) {
  const auto probability = number_of(item, "probability");
  return probability ? percent_text(*probability, *probability > 0.995 ? 1 : 0) : "";
}

namespace {

Json neighbours_view(const Json& items) {
  Json near = Json::array();
  for (const auto& item : items) {
    const std::string label = text_of(item, "class"), name = text_of(item, "name");
    const double likeness = number_of(item, "likeness").value_or(0);
    near.push_back({{"label", label},
                    {"title", fmt::format("{}, alike to {:.2f}", name, likeness)},
                    {"exhibit", exhibit_view(item, "labelled as " + label)}});
  }
  return near;
}

}  // namespace

Json cards_view(const Json& items, const char* label) {
  constexpr std::size_t kMost = 60;
  Json cards = Json::array();
  bool wide = false;
  for (const auto& item : items) {
    if (cards.size() == kMost) break;
    const std::string truth = text_of(item, label), said = text_of(item, "predicted");
    Json exhibit = exhibit_view(item, truth + " taken for " + said);
    wide = wide || is_wide(exhibit);
    cards.push_back({{"name", text_of(item, "name")},
                     {"label", truth},
                     {"said", said},
                     {"sure", sure_share(item)},
                     {"exhibit", std::move(exhibit)}});
    if (Json near = neighbours_view(list_of(item, "neighbours")); !near.empty())
      cards.back()["near"] = {{"items", near}};
  }
  return cards.empty() ? Json() : Json{{"cards", cards}, {"wide", wide}};
}

}  // namespace fewlabel
