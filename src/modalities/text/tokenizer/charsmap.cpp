#include "modalities/text/tokenizer/charsmap.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

constexpr std::size_t kLongest = 16 << 20;

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  uint32_t group = 0, bits = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z')
      digit = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      digit = static_cast<uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      digit = static_cast<uint32_t>(c - '0' + 52);
    else if (c == '+' || c == '/')
      digit = c == '+' ? 62 : 63;
    else
      return std::nullopt;
    group = group << 6 | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(static_cast<unsigned char>(group >> bits & 0xFF));
    }
  }
  return bytes;
}

int break_class(char32_t c) { return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_GRAPHEME_CLUSTER_BREAK); }

// UAX 29 between two neighbours, as far as clusters of less than six bytes can tell; emoji and flags are longer.
bool joins(int before, int after) {
  const auto control = [](int c) { return c == U_GCB_CONTROL || c == U_GCB_CR || c == U_GCB_LF; };
  if (before == U_GCB_CR && after == U_GCB_LF) return true;
  if (control(before) || control(after)) return false;
  if (after == U_GCB_EXTEND || after == U_GCB_ZWJ || after == U_GCB_SPACING_MARK || before == U_GCB_PREPEND)
    return true;
  if (before == U_GCB_L) return after == U_GCB_L || after == U_GCB_V || after == U_GCB_LV || after == U_GCB_LVT;
  if (before == U_GCB_LV || before == U_GCB_V) return after == U_GCB_V || after == U_GCB_T;
  return (before == U_GCB_LVT || before == U_GCB_T) && after == U_GCB_T;
}

std::size_t cluster_size(std::string_view text, std::size_t begin) {
  Decoded character = decode_at(text, begin);
  std::size_t end = begin + character.size;
  int before = -1;
  while (end < text.size()) {
    const Decoded next = decode_at(text, end);
    if (character.code < 0x300 && next.code < 0x300 && character.code != '\r' && character.code != 0xAD) break;
    if (before < 0) before = break_class(character.code);
    const int after = break_class(next.code);
    if (!joins(before, after)) break;
    end += next.size;
    character = next;
    before = after;
  }
  return end - begin;
}

// Replaced characters keep their places; what is more or less counts for the last one.
void replace(std::vector<Change>& changes, std::string_view old_part, std::string_view new_part) {
  const auto old_count = static_cast<int32_t>(count_characters(old_part));
  int32_t new_count = 0;
  for (std::size_t at = 0; at < new_part.size(); ++new_count) {
    const Decoded character = decode_at(new_part, at);
    changes.push_back({character.code, new_count >= old_count ? 1 : 0});
    at += character.size;
  }
  if (new_count < old_count && !changes.empty()) changes.back().change += new_count - old_count;
}

}  // namespace

Charsmap::Charsmap(const JsonPart& part) {
  const JsonPart field = part.at("precompiled_charsmap");
  if (!field.value().is_string() || field.value().get_ref<const std::string&>().size() > kLongest)
    field.refuse("is no text of a sensible size");
  const auto bytes = from_base64(field.value().get_ref<const std::string&>());
  if (!bytes) field.refuse("is no base64");
  const auto word = [&bytes](std::size_t at) {
    uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>((*bytes)[at + i]);
    return value;
  };
  if (bytes->size() < 4 || word(0) > bytes->size() - 4 || word(0) < 4) field.refuse("is cut off");
  const std::size_t count = word(0) / 4;
  units_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) units_.push_back(word(4 + 4 * i));
  texts_ = bytes->substr(4 + 4 * count);
  if (valid_until(texts_) != texts_.size()) field.refuse("has replacements that are not UTF-8");
}

// The shortest key that the text begins with. That it is the shortest, and stands for the whole cluster, is the
// field's.
std::optional<std::string_view> Charsmap::replacement(std::string_view text) const {
  const auto offset = [](uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); };
  std::size_t node = offset(units_[0]);
  for (const char c : text) {
    const uint32_t label = static_cast<unsigned char>(c);
    if (label == 0) return std::nullopt;
    node ^= label;
    if (node >= units_.size()) return std::nullopt;
    const uint32_t unit = units_[node];
    if ((unit & ((1u << 31) | 0xFF)) != label) return std::nullopt;
    node ^= offset(unit);
    if ((unit >> 8 & 1) == 0) continue;
    if (node >= units_.size()) return std::nullopt;
    const std::size_t begin = units_[node] & ((1u << 31) - 1);
    if (begin > texts_.size() || (begin < texts_.size() && continues(texts_[begin]))) return std::nullopt;
    const std::size_t end = texts_.find('\0', begin);
    if (end == std::string::npos) return std::string_view(texts_).substr(begin);
    return std::string_view(texts_).substr(begin, end - begin);
  }
  return std::nullopt;
}

void Charsmap::apply(Text& text) const {
  constexpr std::size_t kShortCluster = 6;
  const std::string_view view = text.view();
  std::vector<Change> changes;
  changes.reserve(view.size());
  bool modified = false;
  for (std::size_t at = 0; at < view.size();) {
    const std::size_t size = cluster_size(view, at);
    const std::string_view cluster = view.substr(at, size);
    at += size;
    if (size < kShortCluster) {
      if (const auto better = replacement(cluster)) {
        replace(changes, cluster, *better);
        modified = true;
        continue;
      }
    }
    for (std::size_t i = 0; i < size;) {
      const Decoded character = decode_at(cluster, i);
      const std::string_view one = cluster.substr(i, character.size);
      i += character.size;
      if (const auto better = replacement(one)) {
        replace(changes, one, *better);
        modified = true;
      } else {
        changes.push_back({character.code, 0});
      }
    }
    check_growth(changes.size());
  }
  if (modified) text.transform(changes);
}

}  // namespace fewlabel::tokenizing
