#include "modalities/text/tokenizer/reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "fewlabel/error.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

constexpr std::size_t kLongestText = 65536, kMostParts = 64, kDeepest = 8;

std::string shortened(const std::string& text) {
  return printable(text.size() <= 60 ? text : text.substr(0, 57) + "...");
}

}  // namespace

void JsonPart::refuse(const std::string& why) const {
  throw Error(ErrorKind::storage, where_, fmt::format("is no sound tokenizer.json: {} {}", name_, why),
              "use an undamaged tokenizer.json, as PyPI's tokenizers writes it");
}

void JsonPart::unknown(const std::string& type) const {
  throw Error(ErrorKind::storage, where_,
              fmt::format("{} is of the type '{}', which is not known here", name_, shortened(type)),
              "use a tokenizer.json without it, or learn a vocabulary from your own texts");
}

std::string JsonPart::type() const { return text("type", ""); }

std::optional<JsonPart> JsonPart::find(const char* key) const {
  if (!value_.is_object()) refuse("is no object");
  const auto place = value_.find(key);
  if (place == value_.end() || place->is_null()) return std::nullopt;
  return JsonPart(*place, where_, name_ + "." + key);
}

JsonPart JsonPart::at(const char* key) const {
  auto part = find(key);
  if (!part) refuse(fmt::format("lacks '{}'", key));
  return *part;
}

std::vector<JsonPart> JsonPart::list(const char* key) const {
  const JsonPart all = at(key);
  if (!all.value_.is_array() || all.value_.size() > kMostParts)
    all.refuse(fmt::format("is no list of at most {} parts", kMostParts));
  if (static_cast<std::size_t>(std::count(name_.begin(), name_.end(), '[')) >= kDeepest)
    all.refuse(fmt::format("lies more than {} lists deep", kDeepest));
  std::vector<JsonPart> parts;
  for (std::size_t i = 0; i < all.value_.size(); ++i)
    parts.emplace_back(all.value_[i], where_, fmt::format("{}[{}]", all.name_, i));
  return parts;
}

std::string JsonPart::as_text() const {
  if (!value_.is_string()) refuse("is no text");
  const auto& text = value_.get_ref<const std::string&>();
  if (text.size() > kLongestText) refuse(fmt::format("is longer than {} bytes", kLongestText));
  return text;
}

int64_t JsonPart::as_number(int64_t low, int64_t high) const {
  const bool fits = value_.is_number_integer() && (!value_.is_number_unsigned() || value_.get<uint64_t>() <= INT64_MAX);
  if (!fits || value_.get<int64_t>() < low || value_.get<int64_t>() > high)
    refuse(fmt::format("is no whole number from {} to {}", low, high));
  return value_.get<int64_t>();
}

std::string JsonPart::text(const char* key) const { return at(key).as_text(); }
std::string JsonPart::text(const char* key, std::string_view otherwise) const {
  const auto part = find(key);
  return part ? part->as_text() : std::string(otherwise);
}

char32_t JsonPart::character(const char* key) const {
  const std::string one = text(key);
  if (one.empty() || decode_at(one, 0).size != one.size()) at(key).refuse("is not exactly one character");
  return decode_at(one, 0).code;
}

bool JsonPart::flag(const char* key) const {
  const JsonPart part = at(key);
  if (!part.value_.is_boolean()) part.refuse("is neither true nor false");
  return part.value_.get<bool>();
}
bool JsonPart::flag(const char* key, bool otherwise) const { return find(key) ? flag(key) : otherwise; }
int64_t JsonPart::number(const char* key, int64_t low, int64_t high) const { return at(key).as_number(low, high); }

}  // namespace fewlabel::tokenizing
