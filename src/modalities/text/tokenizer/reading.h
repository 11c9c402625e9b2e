// A part of a tokenizer.json, with its name for messages. The file is hostile: every look is checked.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel::tokenizing {

/// Ids at most; the largest vocabularies of the field have about 260,000.
constexpr int64_t kMostIds = int64_t{1} << 23;

class JsonPart {
 public:
  /// `where` is the file; `name` the part of it, for example "normalizer".
  JsonPart(const nlohmann::json& value, std::string where, std::string name)
      : value_(value), where_(std::move(where)), name_(std::move(name)) {}

  const nlohmann::json& value() const { return value_; }
  const std::string& where() const { return where_; }
  /// The value of "type"; "" where there is none.
  std::string type() const;

  /// A member that must be there.
  JsonPart at(const char* key) const;
  /// A member, or nothing where it is missing or null.
  std::optional<JsonPart> find(const char* key) const;
  /// The parts of a list that must be there, at most 64; its components may lie within each other 8 deep.
  std::vector<JsonPart> list(const char* key) const;

  // Values that must be there, and those that need not.
  std::string text(const char* key) const;
  std::string text(const char* key, std::string_view otherwise) const;
  /// A text of exactly one character.
  char32_t character(const char* key) const;
  bool flag(const char* key) const;
  bool flag(const char* key, bool otherwise) const;
  int64_t number(const char* key, int64_t low, int64_t high) const;

  std::string as_text() const;
  int64_t as_number(int64_t low, int64_t high) const;

  /// Throws Error{storage}: "[where] name: why".
  [[noreturn]] void refuse(const std::string& why) const;
  /// The same for a component that this program does not know.
  [[noreturn]] void unknown(const std::string& type) const;

 private:
  const nlohmann::json& value_;
  std::string where_, name_;
};

}  // namespace fewlabel::tokenizing
