#include "data/sources/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>

#include "core/text.h"

namespace fewlabel {

bool is_missing(std::string_view field) {
  constexpr std::array<std::string_view, 9> kSpellings = {"",  "null", "na",        "n/a",       "nan",
                                                          "?", "-1",   "unlabeled", "unlabelled"};
  if (field.size() > 12) return false;
  if (field == "None") return true;  // as Python writes it; a class may well be called none or NONE
  return std::find(kSpellings.begin(), kSpellings.end(), lower(trim(field))) != kSpellings.end();
}

bool parse_number(std::string_view field, float& number) {
  if (field.starts_with('+')) field.remove_prefix(1);
  double value = 0;  // has a wider range: what is too small for a float is 0
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (!field.empty() && error == std::errc() && end == field.data() + field.size()) {
    number = static_cast<float>(value);
    return true;
  }
  if (field != "-1" && is_missing(field)) {
    number = std::numeric_limits<float>::quiet_NaN();
    return true;
  }
  return false;
}

}  // namespace fewlabel
