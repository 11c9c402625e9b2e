#include "modalities/text/tokenizer/normalizers.h"

#include <memory>
#include <utility>

#include "modalities/text/tokenizer/charsmap.h"
#include "modalities/text/tokenizer/normal_forms.h"
#include "modalities/text/tokenizer/regex.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

template <typename Map>
void map_characters(Text& text, const Map& map) {
  const std::string_view view = text.view();
  std::vector<Change> changes;
  changes.reserve(view.size());
  bool changed = false;
  for (std::size_t at = 0; at < view.size();) {
    const Decoded character = decode_at(view, at);
    at += character.size;
    changes.push_back({map(character.code), 0});
    changed |= changes.back().code != character.code;
  }
  if (changed) text.transform(changes);
}

// The blocks that BERT's own code takes for Chinese.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void space_chinese(Text& text) {
  if (is_ascii(text.view())) return;
  const std::string_view view = text.view();
  std::vector<Change> changes;
  changes.reserve(view.size());
  bool found = false;
  for (std::size_t at = 0; at < view.size();) {
    const Decoded character = decode_at(view, at);
    at += character.size;
    if (is_chinese(character.code)) {
      changes.insert(changes.end(), {{' ', 0}, {character.code, 1}, {' ', 1}});
      found = true;
    } else {
      changes.push_back({character.code, 0});
    }
  }
  if (found) text.transform(changes);
}

void clean(Text& text) {
  const std::string_view view = text.view();
  bool plain = true;  // printable ASCII only
  for (const char c : view) plain &= c >= ' ' && c != 0x7F;
  if (plain && is_ascii(view)) return;
  remove_characters(text, [](char32_t c) { return is(c, kControl); });
  map_characters(text, [](char32_t c) { return is(c, kWhitespace) ? U' ' : c; });
}

void strip(Text& text, bool left, bool right) {
  const std::string_view view = text.view();
  std::vector<Change> changes;
  std::size_t leading = 0, trailing = 0;
  for (std::size_t at = 0; at < view.size();) {
    const Decoded character = decode_at(view, at);
    at += character.size;
    changes.push_back({character.code, 0});
  }
  const std::size_t count = changes.size();
  while (left && leading < count && is(changes[leading].code, kWhitespace)) ++leading;
  while (right && trailing < count && is(changes[count - 1 - trailing].code, kWhitespace)) ++trailing;
  if (leading + trailing == 0) return;
  if (leading + trailing > count) trailing = count - leading;  // nothing but spaces
  changes.resize(count - trailing);
  changes.erase(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(leading));
  text.transform(changes, leading);
}

// What SentencePiece's "nmt" rules drop or take for a space.
bool nmt_drops(char32_t c) {
  return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
}
char32_t nmt_maps(char32_t c) {
  const bool space = c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                     c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  return space ? U' ' : c;
}

void replace_all(Text& text, const Matcher& matcher, const std::string& content) {
  const std::string_view view = text.view();
  std::vector<Match> matches;
  matcher(view, matches);
  bool any = false;
  std::string result;
  std::vector<Span> spans;
  for (const Match& match : matches) {
    any |= match.hit;
    result += match.hit ? std::string_view(content) : view.substr(match.begin, match.end - match.begin);
    check_growth(result.size());
    if (!text.tracks()) continue;
    if (match.hit)
      spans.insert(spans.end(), content.size(),
                   match.end == 0 ? Span{text.origin(), text.origin()} : text.span_at(match.end - 1));
    else
      for (uint32_t at = match.begin; at < match.end; ++at) spans.push_back(text.span_at(at));
  }
  if (any) text.assign(std::move(result), std::move(spans));
}

Normalizer read_replace(const JsonPart& part) {
  const std::string content = part.text("content");
  const JsonPart pattern = part.at("pattern");
  if (pattern.find("Regex")) {
    const Regex regex(pattern.text("Regex"), part.where());
    return [regex, content](Text& text) {
      replace_all(
          text, [&regex](std::string_view view, auto& matches) { regex.matches(view, matches); }, content);
    };
  }
  const std::string literal = pattern.text("String");
  if (literal.empty()) pattern.refuse("is empty");
  return [literal, content](Text& text) {
    if (text.view().find(literal) == std::string_view::npos) return;
    replace_all(
        text, [&literal](std::string_view view, auto& matches) { match_literal(view, literal, matches); }, content);
  };
}

void read_bert(const JsonPart& part, std::vector<Normalizer>& steps) {
  const bool lower = part.flag("lowercase", true);
  if (part.flag("clean_text", true)) steps.emplace_back(clean);
  if (part.flag("handle_chinese_chars", true)) steps.emplace_back(space_chinese);
  if (part.flag("strip_accents", lower))
    steps.emplace_back([](Text& text) {
      if (is_ascii(text.view())) return;
      normalize(text, NormalForm::nfd);
      remove_characters(text, [](char32_t c) { return is(c, kNonspacing); });
    });
  if (lower) steps.emplace_back(lower_case);
}

}  // namespace

void lower_case(Text& text) {
  const std::string_view view = text.view();
  if (is_ascii(view)) {
    for (char& c : text.bytes())
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return;
  }
  constexpr char32_t kDottedI = 0x130, kDotAbove = 0x307;  // the one character whose lower case is two
  std::vector<Change> changes;
  changes.reserve(view.size());
  bool changed = false;
  for (std::size_t at = 0; at < view.size();) {
    const Decoded character = decode_at(view, at);
    at += character.size;
    if (character.code == kDottedI) {
      changes.insert(changes.end(), {{U'i', 0}, {kDotAbove, 1}});
      changed = true;
      continue;
    }
    changes.push_back({lower_of(character.code), 0});
    changed |= changes.back().code != character.code;
  }
  if (changed) text.transform(changes);
}

void remove_characters(Text& text, const std::function<bool(char32_t)>& removed) {
  const std::string_view view = text.view();
  std::vector<Change> changes;
  changes.reserve(view.size());
  std::size_t skipped = 0;
  bool any = false;
  for (std::size_t at = 0; at < view.size();) {
    const Decoded character = decode_at(view, at);
    at += character.size;
    if (!removed(character.code)) {
      changes.push_back({character.code, 0});
      continue;
    }
    any = true;
    if (changes.empty())
      ++skipped;
    else
      --changes.back().change;
  }
  if (any) text.transform(changes, skipped);
}

void show_bytes(Text& text) {
  const std::string_view view = text.view();
  std::vector<Change> changes;
  changes.reserve(view.size());
  for (const char c : view) changes.push_back({character_of_byte(static_cast<uint8_t>(c)), continues(c) ? 1 : 0});
  text.transform(changes);
}

void read_normalizer(const JsonPart& part, std::vector<Normalizer>& steps) {
  const std::string type = part.type();
  const auto form = [&steps](NormalForm which) { steps.emplace_back([which](Text& text) { normalize(text, which); }); };
  if (type == "Sequence") {
    for (const JsonPart& step : part.list("normalizers")) read_normalizer(step, steps);
  } else if (type == "NFC") {
    form(NormalForm::nfc);
  } else if (type == "NFD") {
    form(NormalForm::nfd);
  } else if (type == "NFKC") {
    form(NormalForm::nfkc);
  } else if (type == "NFKD") {
    form(NormalForm::nfkd);
  } else if (type == "Lowercase") {
    steps.emplace_back(lower_case);
  } else if (type == "StripAccents") {
    steps.emplace_back([](Text& text) { remove_characters(text, [](char32_t c) { return is(c, kMark); }); });
  } else if (type == "Strip") {
    const bool left = part.flag("strip_left"), right = part.flag("strip_right");
    steps.emplace_back([left, right](Text& text) { strip(text, left, right); });
  } else if (type == "Replace") {
    steps.push_back(read_replace(part));
  } else if (type == "Prepend") {
    const std::string prefix = part.text("prepend");
    steps.emplace_back([prefix](Text& text) { text.prepend(prefix); });
  } else if (type == "BertNormalizer") {
    read_bert(part, steps);
  } else if (type == "Nmt") {
    steps.emplace_back([](Text& text) {
      remove_characters(text, nmt_drops);
      map_characters(text, nmt_maps);
    });
  } else if (type == "Precompiled") {
    const auto map = std::make_shared<const Charsmap>(part);
    steps.emplace_back([map](Text& text) { map->apply(text); });
  } else if (type == "ByteLevel") {
    steps.emplace_back(show_bytes);
  } else {
    part.unknown(type);
  }
}

}  // namespace fewlabel::tokenizing
