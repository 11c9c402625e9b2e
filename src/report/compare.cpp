// `runs compare`: figures side by side, settings that differ, and means over seeds.
#include "report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "core/csv.h"
#include "core/json_text.h"
#include "core/number.h"
#include "core/text.h"
#include "fewlabel/run.h"
#include "report/markup.h"
#include "report/plan_lines.h"
#include "report/run_tables.h"
#include "report/text_table.h"

namespace fewlabel {
namespace {

constexpr std::size_t kTerminal = 80;
constexpr const char* kNone = "–";

void collect(Json& rows, std::size_t run, std::size_t runs, const std::string& key, const Json& value) {
  auto at = std::find_if(rows.begin(), rows.end(), [&](const Json& row) { return row["key"] == key; });
  if (at == rows.end()) {
    rows.push_back({{"key", key}, {"values", std::vector<Json>(runs)}});
    at = rows.end() - 1;
  }
  (*at)["values"][run] = value;
}

bool differs(const Json& row) {
  const Json& values = row["values"];
  return std::any_of(values.begin(), values.end(), [&](const Json& value) { return value != values[0]; });
}

std::string without_seed(std::string path) {
  constexpr std::string_view kSeed = ":seed=";
  const auto at = path.find(kSeed);
  if (at == std::string::npos) return path;
  const auto end = path.find_first_not_of("0123456789", at + kSeed.size());
  return path.erase(at, end == std::string::npos ? end : end - at);
}

using Settings = std::map<std::string, std::string>;

/// A plan without its seed and what follows from it: the folder, the choice of labels, the weights of a stage before,
/// and, with a budget in minutes, the number of updates.
Settings seedless(const std::vector<std::pair<std::string, std::string>>& lines) {
  Settings settings;
  for (const auto& [key, value] : lines) settings[key] = unquoted(value);
  const bool timed = settings.contains("train.minutes") && settings["train.minutes"] != "0.0";
  settings["data.path"] = without_seed(settings["data.path"]);
  for (const char* key : {"seed", "init_hash"}) settings.erase(key);
  if (timed)  // they follow from the clock
    for (const char* key : {"train.steps", "train.minutes"}) settings.erase(key);
  return settings;
}

std::string value_of(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? "" : found->second;
}

/// The fewest settings that tell all groups apart; what people sweep comes first.
std::vector<std::string> telling_keys(const std::vector<Settings>& groups) {
  std::vector<std::string> keys = {"method.name", "net.name", "data.path"};
  for (const Settings& group : groups)
    for (const auto& [key, value] : group)
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  const auto distinct = [&](const std::vector<std::string>& chosen) {
    std::set<std::vector<std::string>> found;
    for (const Settings& group : groups) {
      std::vector<std::string> values;
      for (const auto& key : chosen) values.push_back(value_of(group, key));
      found.insert(values);
    }
    return found.size();
  };
  std::vector<std::string> chosen;
  for (const auto& key : keys) {
    std::vector<std::string> longer = chosen;
    longer.push_back(key);
    if (distinct(longer) > distinct(chosen)) chosen = std::move(longer);
  }
  return chosen;
}

/// Mean and deviation between the runs (n − 1 below the line) of the runs that have the figure.
Json spread(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double count = static_cast<double>(values.size()), mean = sum / count;
  for (const double value : values) squares += (value - mean) * (value - mean);
  Json result = {{"mean", mean}, {"sd", nullptr}, {"count", values.size()}};
  if (values.size() > 1) result["sd"] = std::sqrt(squares / (count - 1));
  return result;
}

/// What a mean says something about.
bool is_measured(const Json& row) {
  const std::string key = row["key"];
  if (key == "seed" || key.ends_with("_low") || key.ends_with("_high")) return false;
  for (const Json& value : row["values"])
    if (!value.is_number() && !value.is_null()) return false;
  return differs(row) || key.ends_with("accuracy");
}

Json groups_of(const Json& comparison, const std::vector<Settings>& plans) {
  std::vector<Settings> kinds;
  std::vector<std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    auto at = std::find(kinds.begin(), kinds.end(), plans[i]);
    if (at == kinds.end() || plans[i].empty()) {  // nothing is known of a run without a plan
      kinds.push_back(plans[i]);
      members.emplace_back();
      at = kinds.end() - 1;
    }
    members[static_cast<std::size_t>(at - kinds.begin())].push_back(i);
  }
  const auto keys = telling_keys(kinds);
  Json groups = Json::array();
  for (std::size_t g = 0; g < kinds.size(); ++g) {
    Json group = {{"runs", Json::array()}, {"settings", Json::object()}, {"figures", Json::object()}};
    for (const std::size_t i : members[g]) group["runs"].push_back(comparison["names"][i]);
    for (const auto& key : keys)
      if (kinds[g].contains(key)) group["settings"][key] = value_of(kinds[g], key);
    for (const Json& row : comparison["summary"]) {
      if (!is_measured(row)) continue;
      std::vector<double> values;
      for (const std::size_t i : members[g])
        if (row["values"][i].is_number()) values.push_back(row["values"][i].get<double>());
      if (!values.empty()) group["figures"][row["key"].get<std::string>()] = spread(values);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

/// Four digits, or as many as tell values apart that differ.
std::vector<std::string> figure_texts(const Json& values) {
  std::set<double> distinct;
  for (const Json& value : values)
    if (value.is_number_float()) distinct.insert(value.get<double>());
  int digits = 4;
  for (; digits < 17; ++digits) {
    std::set<std::string> texts;
    for (const double value : distinct) texts.insert(fmt::format("{:.{}g}", value, digits));
    if (texts.size() == distinct.size()) break;
  }
  std::vector<std::string> result;
  for (const Json& value : values)
    result.push_back(value.is_number_float() ? fmt::format("{:.{}g}", value.get<double>(), digits) : cell_text(value));
  return result;
}

/// "0.813 ± 0.017": two digits of the deviation, and the mean to the same place.
std::string mean_text(const Json& figure) {
  if (!figure.is_object()) return kNone;
  const auto mean = number_of(figure, "mean"), sd = number_of(figure, "sd");
  if (!mean) return kNone;
  if (!sd) return fmt::format("{:.4g}", *mean);
  if (*sd == 0) return number_text(std::stod(fmt::format("{:.6g}", *mean))) + " ± 0";
  const int digits = std::clamp(1 - static_cast<int>(std::floor(std::log10(*sd))), 0, 12);
  return fmt::format("{:.{}f} ± {:.{}f}", *mean, digits, *sd, digits);
}

std::string group_name(const Json& group) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : object_of(group, "settings").items()) parts.push_back(key + "=" + cell_text(value));
  return parts.empty() ? "all" : join(parts, " ");
}

/// Figures of the groups, each once, in the order of the summary.
std::vector<std::string> group_figures(const Json& groups) {
  std::vector<std::string> keys;
  for (const Json& group : groups)
    for (const auto& [key, figure] : object_of(group, "figures").items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  return keys;
}

bool has_means(const Json& groups) {
  return std::any_of(groups.begin(), groups.end(), [](const Json& group) { return list_of(group, "runs").size() > 1; });
}

std::string markdown_cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string markdown_table(const Rows& rows) {
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    text += "|";
    for (const auto& cell : rows[r]) text += " " + markdown_cell(cell) + " |";
    text += "\n";
    if (r == 0) {
      for (std::size_t c = 0; c < rows[0].size(); ++c) text += c ? "---|" : "|---|";
      text += "\n";
    }
  }
  return text;
}

std::string setting_text(const Json& value) { return value.is_string() ? unquoted(value.get<std::string>()) : ""; }

}  // namespace

std::string cell_text(const Json& value) {
  if (value.is_null()) return kNone;
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  return printable(value.is_string() ? value.get<std::string>() : json_text(value));
}

Json compare_json(const std::vector<RunFolder>& runs) {
  Json result = {{"names", Json::array()}, {"summary", Json::array()}, {"plan", Json::array()}};
  Json plan = Json::array();
  std::vector<Settings> plans;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    result["names"].push_back(runs[i].name());
    const Json summary = runs[i].read_json(runs[i].summary());
    if (summary.is_object())
      for (const auto& [key, value] : summary.items())
        if (!value.is_structured() && key != "name" && key != "title" && key != "command")
          collect(result["summary"], i, runs.size(), key, value);
    const auto lines = plan_lines(runs[i].plan());
    for (const auto& [key, value] : lines) collect(plan, i, runs.size(), key, value);
    plans.push_back(lines.empty() ? Settings() : seedless(lines));
  }
  for (const auto& row : plan)
    if (differs(row)) result["plan"].push_back(row);
  result["groups"] = groups_of(result, plans);
  return result;
}

std::string compare_text(const Json& comparison) { return compare_text(comparison, kTerminal); }

std::string compare_text(const Json& comparison, std::size_t width) {
  std::string text;
  for (const auto& [part, title] : {std::pair{"summary", "figures"}, {"plan", "settings that differ"}}) {
    Rows rows = {{title}};
    for (const auto& name : list_of(comparison, "names")) rows[0].push_back(cell_text(name));
    for (const auto& row : list_of(comparison, part)) {
      std::vector<std::string> cells = {cell_text(row["key"])};
      for (auto& cell : figure_texts(list_of(row, "values"))) cells.push_back(std::move(cell));
      rows.push_back(std::move(cells));
    }
    if (rows.size() > 1) text += (text.empty() ? "" : "\n") + folded_table(rows, width);
  }
  const Json& groups = list_of(comparison, "groups");
  if (has_means(groups)) {
    Rows rows = {{"mean ± sd over seeds"}, {"runs"}};
    for (const Json& group : groups) {
      rows[0].push_back(group_name(group));
      rows[1].push_back(std::to_string(list_of(group, "runs").size()));
    }
    for (const auto& key : group_figures(groups)) {
      rows.push_back({key});
      for (const Json& group : groups) rows.back().push_back(mean_text(object_of(group, "figures").value(key, Json())));
    }
    text += (text.empty() ? "" : "\n") + folded_table(rows, width);
  }
  return text.empty() ? "neither a summary nor a plan to compare\n" : text;
}

std::string compare_csv(const Json& comparison) {
  std::vector<std::string> head = {"run", "group"};
  for (const char* part : {"summary", "plan"})
    for (const Json& row : list_of(comparison, part)) {
      const std::string key = row["key"];
      head.push_back(spreadsheet_field(std::find(head.begin(), head.end(), key) == head.end() ? key : "plan." + key));
    }
  std::string text = join(head, ",") + "\n";
  const Json& names = list_of(comparison, "names");
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string own;
    for (const Json& group : list_of(comparison, "groups"))
      for (const Json& name : list_of(group, "runs"))
        if (name == names[i]) own = group_name(group);
    std::vector<std::string> fields = {spreadsheet_field(names[i]), spreadsheet_field(own)};
    for (const Json& row : list_of(comparison, "summary")) {
      const Json& value = row["values"][i];
      fields.push_back(value.is_null()           ? ""
                       : value.is_number_float() ? number_text(value.get<double>())
                       : value.is_string()       ? spreadsheet_field(value.get<std::string>())
                                                 : json_text(value));
    }
    for (const Json& row : list_of(comparison, "plan"))
      fields.push_back(spreadsheet_field(setting_text(row["values"][i])));
    text += join(fields, ",") + "\n";
  }
  return text;
}

std::string compare_markdown(const Json& comparison) {
  Rows rows = {{"run"}};
  for (const Json& row : list_of(comparison, "plan"))
    if (row["key"] != "out") rows[0].push_back(row["key"]);
  for (const Json& row : list_of(comparison, "summary"))
    if (is_measured(row)) rows[0].push_back(row["key"]);
  const Json& names = list_of(comparison, "names");
  for (const Json& name : names) rows.push_back({cell_text(name)});
  for (const Json& row : list_of(comparison, "plan"))
    for (std::size_t i = 0; row["key"] != "out" && i < names.size(); ++i)
      rows[i + 1].push_back(setting_text(row["values"][i]));
  for (const Json& row : list_of(comparison, "summary")) {
    if (!is_measured(row)) continue;
    const auto cells = figure_texts(row["values"]);
    for (std::size_t i = 0; i < names.size(); ++i) rows[i + 1].push_back(cells[i]);
  }
  std::string text = markdown_table(rows);
  const Json& groups = list_of(comparison, "groups");
  if (!has_means(groups)) return text;
  rows = {{"mean ± sd over seeds", "runs"}};
  const auto figures = group_figures(groups);
  rows[0].insert(rows[0].end(), figures.begin(), figures.end());
  for (const Json& group : groups) {
    rows.push_back({group_name(group), std::to_string(list_of(group, "runs").size())});
    for (const auto& key : figures) rows.back().push_back(mean_text(object_of(group, "figures").value(key, Json())));
  }
  return text + "\n" + markdown_table(rows);
}

}  // namespace fewlabel
