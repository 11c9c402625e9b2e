#include "plan/recipe.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <sstream>

#include "core/files.h"
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
    out << toml::value<double>(value.get<double>());
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
  if (key == "data") key = "data.path";
  if (key == "net" || key == "method") key += ".name";
  if (key.starts_with("stage.")) {  // the same within a stage
    if (key.ends_with(".data")) key += ".path";
    if (key.ends_with(".net") || key.ends_with(".method")) key += ".name";
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
  const bool name = key == "data.path" || key == "data.test" || key == "out" || key == "init" || key == "init_hash";
  (*at)[parts.back()] = name ? Json(trim(text.substr(equals + 1))) : override_value(trim(text.substr(equals + 1)));
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
  if (json.contains("stage") && json["stage"].is_array())
    for (Json& stage : json["stage"]) expand_short_forms(stage);
  for (const auto& text : overrides) apply_override(json, text);
  return json;
}

TrainConfig train_config(const Json& recipe) {
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
  read_config("config", rest, config);
  return config;
}

Json to_json(const TrainConfig& config) {
  Json json;
  write_config(json, config);
  json["method"] = config.method;
  return json;
}

}  // namespace fewlabel
