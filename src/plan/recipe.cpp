#include "plan/recipe.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <set>
#include <sstream>

#include "core/files.h"
#include "core/foreign_words.h"
#include "core/json_text.h"
#include "core/number.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

Json to_json(const toml::node& node, const std::string& where) {
  switch (node.type()) {
    case toml::node_type::table: {
      Json json = Json::object();
      for (const auto& [key, value] : *node.as_table()) json[std::string(key.str())] = to_json(value, where);
      return json;
    }
    case toml::node_type::array: {
      Json json = Json::array();
      for (const auto& value : *node.as_array()) json.push_back(to_json(value, where));
      return json;
    }
    case toml::node_type::string:
      return node.as_string()->get();
    case toml::node_type::integer:
      return node.as_integer()->get();
    case toml::node_type::floating_point:
      return node.as_floating_point()->get();
    case toml::node_type::boolean:
      return node.as_boolean()->get();
    default:
      throw Error(ErrorKind::usage, where,
                  fmt::format("line {}: dates are not used in a recipe", node.source().begin.line));
  }
}

void write_value(const Json& value, std::ostream& out) {
  if (value.is_string()) {
    out << toml::value<std::string>(value.get<std::string>());
  } else if (value.is_number_float()) {
    const std::string text = number_text(value.get<double>());
    out << text << (text.find_first_not_of("-0123456789") == std::string::npos ? ".0" : "");  // stays a float
  } else if (value.is_array()) {
    out << '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i) out << ", ";
      write_value(value[i], out);
    }
    out << ']';
  } else {
    out << value.dump();
  }
}

/// Written as [[name]] tables.
bool is_table_list(const Json& value) { return value.is_array() && !value.empty() && value[0].is_object(); }

void write_table(const Json& table, const std::string& path, std::ostream& out) {
  for (const auto& [key, value] : table.items())
    if (!value.is_object() && !value.is_null() && !is_table_list(value)) {
      out << key << " = ";
      write_value(value, out);
      out << '\n';
    }
  for (const auto& [key, value] : table.items())
    if (value.is_object()) {
      const std::string inner = path.empty() ? key : path + "." + key;
      out << "\n[" << inner << "]\n";
      write_table(value, inner, out);
    } else if (is_table_list(value)) {
      const std::string inner = path.empty() ? key : path + "." + key;
      for (const Json& each : value) {
        out << "\n[[" << inner << "]]\n";
        write_table(each, inner, out);
      }
    }
}

/// The short forms are welcome in a file, too.
void expand_short_forms(Json& json) {
  for (const std::string table : {"data", "net", "method"})
    if (json.contains(table) && json[table].is_string())
      json[table] = Json{{table == "data" ? "path" : "name", json[table]}};
}

/// Stage 1 is the first of a list of tables.
Json& stage_table(Json& list, const std::string& number, const std::string& text) {
  for (std::size_t i = 0; i < list.size(); ++i)
    if (std::to_string(i + 1) == number) return list[i];
  throw Error(ErrorKind::usage, "override", fmt::format("'{}': there is no {}", text, number),
              fmt::format("the recipe has stages 1 to {}", list.size()));
}

Json override_value(const std::string& text) {
  try {
    return to_json(*toml::parse("value = " + text).get("value"), "override");
  } catch (const toml::parse_error&) {
    return text;  // data=photos/2024 needs no quotes
  }
}

/// "seed" of "stage.2.seed"; any other key as it is.
std::string within_stage(const std::string& key) {
  const auto dot = key.starts_with("stage.") ? key.find('.', 6) : std::string::npos;
  return dot == std::string::npos ? key : key.substr(dot + 1);
}

/// A folder or a class may be called 2025.
bool is_text(const std::string& key) {
  const std::vector<std::string> texts = {"data.path", "data.test", "data.virtual", "data.classes",
                                          "out",       "init",      "init_hash",    "data.validation",
                                          "encoder",   "data.mean", "data.std",     "encoder_hash"};
  return std::find(texts.begin(), texts.end(), key) != texts.end();
}

/// What reads a recipe before its keys are checked may rely on this much.
void check_tables(const Json& recipe, const std::string& where) {
  for (const std::string table : {"data", "net", "augment", "optimizer", "train", "method"})
    if (recipe.contains(table) && !recipe[table].is_object())
      throw Error(ErrorKind::usage, where,
                  fmt::format("{} = {} is a value, wanted a table of keys", table, json_text(recipe[table])),
                  fmt::format("`fewlabel help config` lists the keys of {}", table));
}

[[noreturn]] void throw_no_stages() {
  throw Error(ErrorKind::usage, "recipe", "stage is no list of tables", "write each stage as [[stage]]");
}

std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

/// The known keys that `key` may have meant, best first: those that end in the same word, wherever they stand; else
/// those that are spelt alike, as a whole or in their last word.
std::vector<std::string> meant(const std::string& key, const std::vector<std::string>& known) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> result;
  const auto add = [&](const std::string& candidate) {
    if (result.size() < kMost && std::find(result.begin(), result.end(), candidate) == result.end())
      result.push_back(candidate);
  };
  std::vector<std::string> same;
  for (const std::string& candidate : known)
    if (last_part(candidate) == last_part(key)) same.push_back(candidate);
  if (key != last_part(key))  // its table, too, may be misspelt
    for (const std::string& candidate : nearest_names(key, same)) add(candidate);
  for (const std::string& candidate : same) add(candidate);
  if (!result.empty()) return result;
  std::set<std::string> words(known.begin(), known.end());
  for (const std::string& candidate : known) words.insert(last_part(candidate));
  const std::vector<std::string> all(words.begin(), words.end());
  auto near = nearest_names(key, all, kMost);
  if (near.empty()) near = nearest_names(last_part(key), all, kMost);
  for (const std::string& word : near)
    for (const std::string& candidate : known)
      if (candidate == word || last_part(candidate) == word) add(candidate);
  return result;
}

/// Names in `table` ("" is the root), each once: keys of its own and tables.
std::vector<std::string> names_in(const std::string& table, const std::vector<std::string>& known) {
  std::vector<std::string> names;
  const std::string prefix = table.empty() ? "" : table + ".";
  for (const std::string& key : known) {
    if (!key.starts_with(prefix)) continue;
    const std::string name = key.substr(prefix.size(), key.find('.', prefix.size()) - prefix.size());
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

/// Whether a key stands in another table than where it was looked for.
bool is_known_word(const std::string& name, const std::vector<std::string>& known) {
  return std::any_of(known.begin(), known.end(), [&](const std::string& key) { return last_part(key) == name; });
}

[[noreturn]] void throw_unknown(const std::string& table, const std::string& name, const Json& value,
                                const std::vector<std::string>& known) {
  const std::string key = table.empty() ? name : table + "." + name;
  const auto ours = translated(name, value.is_string() ? value.get<std::string>() : json_text(value));
  if (ours && !is_known_word(name, known))
    throw Error(ErrorKind::usage, "config", fmt::format("unknown key '{}'", key),
                fmt::format("did you mean {}={}?{}{}", ours.key, ours.value, ours.more.empty() ? "" : " ", ours.more));
  const auto near = meant(key, known), beside = names_in(table, known);
  throw Error(ErrorKind::usage, "config", fmt::format("unknown key '{}'", key),
              near.empty() ? "known: " + join(beside.empty() ? names_in("", known) : beside, ", ")
                           : "did you mean " + join(near, ", ") + "?");
}

/// What is known but of the wrong kind is for whoever reads it.
void check_known(const Json& json, const std::string& table, const std::vector<std::string>& known) {
  for (const auto& [name, value] : json.items()) {
    const std::string path = table.empty() ? name : table + "." + name;
    if (std::find(known.begin(), known.end(), path) != known.end()) continue;
    const bool is_table = !names_in(path, known).empty();
    if (value.is_object() && (is_table || !value.empty()))
      check_known(value, path, known);
    else if (!is_table)
      throw_unknown(table, name, value, known);
  }
}

}  // namespace

Json parse_toml(const std::string& text, const std::string& where) {
  try {
    return to_json(toml::parse(text), where);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::usage, where,
                fmt::format("line {}, column {}: {}", error.source().begin.line, error.source().begin.column,
                            error.description()));
  }
}

std::string to_toml(const Json& json) {
  std::ostringstream out;
  write_table(json, "", out);
  return out.str();
}

void apply_override(Json& json, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(ErrorKind::usage, "override", fmt::format("'{}' is not of the form key=value", text),
                "for example method.tau=0.9");
  std::string key = trim(text.substr(0, equals));
  std::string own = within_stage(key);
  for (const std::string table : {"data", "net", "method"})
    if (own == table) {
      const std::string rest = table == "data" ? ".path" : ".name";
      key += rest;
      own += rest;
    }
  Json* at = &json;
  const auto parts = split_text(key, '.');
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    at = at->is_array() ? &stage_table(*at, parts[i], text) : &(*at)[parts[i]];
    if (at->is_array()) continue;
    if (at->is_null()) *at = Json::object();
    if (!at->is_object())
      throw Error(ErrorKind::usage, "override", fmt::format("'{}': {} is a value, not a table", text, parts[i]));
  }
  if (at->is_array())
    throw Error(ErrorKind::usage, "override", fmt::format("'{}' names no key of a stage", text),
                "for example stage.2.method.tau=0.9");
  const std::string value = trim(text.substr(equals + 1));
  (*at)[parts.back()] = is_text(own) ? Json(value) : override_value(value);
}

Json read_recipe(const std::string& path, const std::vector<std::string>& overrides) {
  Json json = Json::object();
  if (!path.empty()) {
    try {
      json = parse_toml(read_file(path), path);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::storage) throw;
      throw Error(ErrorKind::usage, path, "is no recipe that can be read",
                  "`fewlabel recipes` lists those that come along");
    }
  }
  expand_short_forms(json);
  const bool staged = json.contains("stage");
  if (staged && !json["stage"].is_array()) throw_no_stages();
  if (staged)
    for (Json& stage : json["stage"]) {
      if (!stage.is_object()) throw_no_stages();
      expand_short_forms(stage);
    }
  for (const auto& text : overrides) apply_override(json, text);
  check_tables(json, "config");
  if (staged)
    for (std::size_t i = 0; i < json["stage"].size(); ++i)
      check_tables(json["stage"][i], fmt::format("stage {}, config", i + 1));
  return json;
}

TrainConfig train_config(const Json& recipe, const std::vector<std::string>& method_keys) {
  Json rest = recipe;
  TrainConfig config;
  config.method = Json::object();
  if (rest.contains("method")) {
    config.method = rest["method"];
    rest.erase("method");
  }
  if (!config.method.is_object())
    throw Error(ErrorKind::usage, "config", "method is a value, wanted a table with a name");
  if (config.method.contains("name") && !config.method["name"].is_string())
    throw Error(ErrorKind::usage, "config", "method.name: wanted a text", "`fewlabel methods` lists the names");
  std::vector<std::string> known;
  for (const FieldInfo& field : describe_config<TrainConfig>()) known.push_back(field.name);
  known.insert(known.end(), {"method", "method.name"});
  known.insert(known.end(), method_keys.begin(), method_keys.end());
  check_known(rest, "", known);
  read_config("config", rest, config);
  return config;
}

Json to_json(const TrainConfig& config) {
  Json json;
  write_config(json, config);
  json["method"] = config.method;
  return json;
}

Json to_json(const Plan& plan) {
  Json json;
  write_config(json, plan);
  json["method"] = plan.method;
  return json;
}

std::string plan_text(const Plan& plan) {
  Json json = to_json(plan);
  // TOML knows no order of keys, so the bytes must not depend on the one in which a method lists its own.
  json["method"] = Json::parse(nlohmann::json::parse(json_text(plan.method)).dump());
  return to_toml(json);
}

Plan parse_plan(const std::string& text, const std::string& where) {
  Json json = parse_toml(text, where);
  Plan plan;
  plan.method = json.value("method", Json::object());
  json.erase("method");
  if (!plan.method.is_object() || !plan.method.contains("name") || !plan.method["name"].is_string())
    throw Error(ErrorKind::usage, where, "names no method, so it is no plan",
                "restore the file from a copy, or start the run anew");
  read_config(where, json, plan);
  return plan;
}

}  // namespace fewlabel
