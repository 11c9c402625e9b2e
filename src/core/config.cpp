#include "fewlabel/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/number.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

template <typename T>
std::string shown_default(const std::optional<T>& value) {
  if (!value) return "auto";
  if constexpr (std::is_same_v<T, std::string>)
    return *value;
  else if constexpr (std::is_same_v<T, double>)
    return number_text(*value);
  else
    return fmt::format("{}", *value);
}

/// A whole number, unless 64 bits do not hold it: converting such a float is undefined.
std::optional<int64_t> fitting(const Json& number) {
  if (number.is_number_float() && !(std::abs(number.get<double>()) < 0x1p63)) return std::nullopt;
  if (number.is_number_unsigned() && number.get<uint64_t>() > uint64_t{INT64_MAX}) return std::nullopt;
  return number.get<int64_t>();
}

std::string range_text(double low, double high) { return fmt::format("[{}, {}]", number_text(low), number_text(high)); }

/// Visits fields in order and keeps the path of nested tables.
class Walker : public FieldVisitor {
 protected:
  std::string path(std::string_view name) const {
    return tables_.empty() ? std::string(name) : join(tables_, ".") + "." + std::string(name);
  }
  std::vector<std::string> tables_;
};

class Describer final : public Walker {
 public:
  std::vector<FieldInfo> result;

 private:
  void add(std::string_view name, const char* type, std::string value, std::string_view help, std::string range) {
    result.push_back({path(name), type, std::move(value), std::string(help), std::move(range)});
  }
  void boolean(std::string_view name, bool& value, std::string_view help) override {
    add(name, "bool", value ? "true" : "false", help, "");
  }
  void integer(std::string_view name, int64_t& value, std::string_view help, int64_t low, int64_t high) override {
    add(name, "int", std::to_string(value), help, fmt::format("[{}, {}]", low, high));
  }
  void real(std::string_view name, double& value, std::string_view help, double low, double high) override {
    add(name, "float", number_text(value), help, range_text(low, high));
  }
  void text(std::string_view name, std::string& value, std::string_view help, const Choices& choices) override {
    add(name, "string", value, help, join(choices, "|"));
  }
  void maybe_integer(std::string_view name, std::optional<int64_t>& value, std::string_view help, int64_t low,
                     int64_t high) override {
    add(name, "int", shown_default(value), help, fmt::format("[{}, {}]", low, high));
  }
  void maybe_real(std::string_view name, std::optional<double>& value, std::string_view help, double low,
                  double high) override {
    add(name, "float", shown_default(value), help, range_text(low, high));
  }
  void maybe_text(std::string_view name, std::optional<std::string>& value, std::string_view help,
                  const Choices& choices) override {
    add(name, "string", shown_default(value), help, join(choices, "|"));
  }
  bool enter(std::string_view name, std::string_view) override {
    tables_.emplace_back(name);
    return true;
  }
  void leave() override { tables_.pop_back(); }
};

class Writer final : public Walker {
 public:
  explicit Writer(Json& root) : at_{&root} { root = Json::object(); }

 private:
  template <typename T>
  void put(std::string_view name, const T& value) {
    (*at_.back())[std::string(name)] = value;
  }
  template <typename T>
  void put_maybe(std::string_view name, const std::optional<T>& value) {
    if (value)
      put(name, *value);
    else
      put(name, "auto");
  }
  void boolean(std::string_view name, bool& value, std::string_view) override { put(name, value); }
  void integer(std::string_view name, int64_t& value, std::string_view, int64_t, int64_t) override { put(name, value); }
  void real(std::string_view name, double& value, std::string_view, double, double) override { put(name, value); }
  void text(std::string_view name, std::string& value, std::string_view, const Choices&) override { put(name, value); }
  void maybe_integer(std::string_view name, std::optional<int64_t>& value, std::string_view, int64_t,
                     int64_t) override {
    put_maybe(name, value);
  }
  void maybe_real(std::string_view name, std::optional<double>& value, std::string_view, double, double) override {
    put_maybe(name, value);
  }
  void maybe_text(std::string_view name, std::optional<std::string>& value, std::string_view, const Choices&) override {
    put_maybe(name, value);
  }
  bool enter(std::string_view name, std::string_view) override {
    Json& table = (*at_.back())[std::string(name)];
    table = Json::object();
    at_.push_back(&table);
    return true;
  }
  void leave() override { at_.pop_back(); }

  std::vector<Json*> at_;
};

}  // namespace

namespace detail {

class Reader final : public Walker {
 public:
  Reader(std::string_view where, const Json& root) : where_(where) { open(root); }

  void check_unknown() {
    const Level& level = levels_.back();
    for (const auto& [key, value] : level.json->items()) {
      if (std::find(level.known.begin(), level.known.end(), key) != level.known.end()) continue;
      throw Error(ErrorKind::usage, where_, fmt::format("unknown key '{}'", path(key)), suggestion(key, level.known));
    }
  }

 private:
  struct Level {
    const Json* json;
    std::vector<std::string> known;
  };

  void open(const Json& json) {
    if (!json.is_object())
      throw Error(ErrorKind::usage, where_,
                  fmt::format("'{}' = {} is a value, wanted a table of keys", join(tables_, "."), json.dump()));
    levels_.push_back({&json, {}});
  }

  const Json* find(std::string_view name) {
    levels_.back().known.emplace_back(name);
    const auto at = levels_.back().json->find(std::string(name));
    return at == levels_.back().json->end() ? nullptr : &*at;
  }

  [[noreturn]] void refuse(std::string_view name, const Json& got, std::string_view wanted) {
    throw Error(ErrorKind::usage, where_, fmt::format("{} = {}: wanted {}", path(name), got.dump(), wanted));
  }

  void boolean(std::string_view name, bool& value, std::string_view) override {
    if (const Json* json = find(name)) {
      if (!json->is_boolean()) refuse(name, *json, "true or false");
      value = json->get<bool>();
    }
  }
  void integer(std::string_view name, int64_t& value, std::string_view, int64_t low, int64_t high) override {
    if (const Json* json = find(name)) {
      const bool whole = json->is_number_float() && std::trunc(json->get<double>()) == json->get<double>();
      if (!json->is_number_integer() && !whole) refuse(name, *json, "a whole number");
      const auto got = fitting(*json);
      if (!got || *got < low || *got > high) refuse(name, *json, fmt::format("a whole number in [{}, {}]", low, high));
      value = *got;
    }
  }
  void real(std::string_view name, double& value, std::string_view, double low, double high) override {
    if (const Json* json = find(name)) {
      if (!json->is_number()) refuse(name, *json, "a number");
      const auto got = json->get<double>();
      if (!(got >= low && got <= high)) refuse(name, *json, "a number in " + range_text(low, high));
      value = got;
    }
  }
  void text(std::string_view name, std::string& value, std::string_view, const Choices& choices) override {
    if (const Json* json = find(name)) {
      if (!json->is_string()) refuse(name, *json, "a text");
      const auto got = json->get<std::string>();
      if (!choices.empty() && std::find(choices.begin(), choices.end(), got) == choices.end())
        refuse(name, *json, "one of " + join(choices, ", "));
      value = got;
    }
  }
  /// An optional takes "auto" for empty, else what its plain type takes.
  bool automatic(std::string_view name) {
    const auto at = levels_.back().json->find(std::string(name));
    if (at == levels_.back().json->end() || *at != "auto") return false;
    levels_.back().known.emplace_back(name);
    return true;
  }
  bool given(std::string_view name) const { return levels_.back().json->contains(std::string(name)); }

  void maybe_integer(std::string_view name, std::optional<int64_t>& value, std::string_view help, int64_t low,
                     int64_t high) override {
    if (automatic(name)) return value.reset();
    int64_t plain = value.value_or(low);
    integer(name, plain, help, low, high);
    if (given(name)) value = plain;
  }
  void maybe_real(std::string_view name, std::optional<double>& value, std::string_view help, double low,
                  double high) override {
    if (automatic(name)) return value.reset();
    double plain = value.value_or(low);
    real(name, plain, help, low, high);
    if (given(name)) value = plain;
  }
  void maybe_text(std::string_view name, std::optional<std::string>& value, std::string_view help,
                  const Choices& choices) override {
    if (automatic(name)) return value.reset();
    std::string plain = value.value_or("");
    text(name, plain, help, choices);
    if (given(name)) value = plain;
  }
  bool enter(std::string_view name, std::string_view) override {
    const Json* json = find(name);
    if (!json) return false;
    tables_.emplace_back(name);
    open(*json);
    return true;
  }
  void leave() override {
    check_unknown();
    levels_.pop_back();
    tables_.pop_back();
  }

  std::string where_;
  std::vector<Level> levels_;
};

void read_fields(std::string_view where, const Json& json, void (*visit)(void*, FieldVisitor&), void* object) {
  Reader reader(where, json);
  visit(object, reader);
  reader.check_unknown();
}

void write_fields(Json& json, void (*visit)(void*, FieldVisitor&), void* object) {
  Writer writer(json);
  visit(object, writer);
}

std::vector<FieldInfo> describe_fields(void (*visit)(void*, FieldVisitor&), void* object) {
  Describer describer;
  visit(object, describer);
  return std::move(describer.result);
}

}  // namespace detail

std::vector<std::string> nearest_names(std::string_view word, const std::vector<std::string>& candidates,
                                       std::size_t count) {
  std::vector<std::pair<std::size_t, std::string>> scored;
  for (const auto& candidate : candidates) {
    const std::size_t distance = edit_distance(lower(word), lower(candidate));
    const bool contains = word.size() >= 3 && candidate.find(word) != std::string::npos;
    if (contains || distance <= std::max<std::size_t>(2, word.size() / 2)) scored.emplace_back(distance, candidate);
  }
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> result;
  for (std::size_t i = 0; i < std::min(count, scored.size()); ++i) result.push_back(scored[i].second);
  return result;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const auto near = nearest_names(word, candidates);
  if (near.empty()) return candidates.empty() ? "" : "known: " + join(candidates, ", ");
  return "did you mean " + join(near, ", ") + "?";
}

}  // namespace fewlabel
