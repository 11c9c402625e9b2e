// Recipes (TOML) and `key=value` overrides, as one JSON object and as a TrainConfig. Free of libtorch.
#pragma once
#include <string>
#include <vector>

#include "fewlabel/train_config.h"

namespace fewlabel {

/// Throws Error{usage} naming `where`, the line and the column.
Json parse_toml(const std::string& text, const std::string& where);
/// Tables last, so that the text reads back as the same object.
std::string to_toml(const Json& json);

/// Sets `key=value` in `json`; keys are dotted; `data=`, `net=` and `method=` with a plain value are short for
/// data.path, net.name and method.name, within a stage as well. What names files or classes is text whatever it looks
/// like, and so is a value that is not TOML. Throws Error{usage}.
void apply_override(Json& json, const std::string& text);

/// The recipe file (may be empty) with the overrides on top. Throws Error{usage}; tables are tables in what it returns.
Json read_recipe(const std::string& path, const std::vector<std::string>& overrides);

/// `method` is taken out unchecked: only the method itself knows its fields. Throws Error{usage}; to a key that is not
/// known it says what was likely meant, for which `method_keys` are those of all methods ("method.tau").
TrainConfig train_config(const Json& recipe, const std::vector<std::string>& method_keys = {});
/// The inverse, with every field.
Json to_json(const TrainConfig& config);
Json to_json(const Plan& plan);

/// plan.toml. Whoever compares two plans compares these bytes.
std::string plan_text(const Plan& plan);
/// Throws Error{usage} naming `where`.
Plan parse_plan(const std::string& text, const std::string& where);

}  // namespace fewlabel
