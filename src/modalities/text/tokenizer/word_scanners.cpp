#include "modalities/text/tokenizer/word_scanners.h"

#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

// A text that is read by character, with the classes of each. Behind the end lies a character without any.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), size_(static_cast<uint32_t>(text.size())) {}

  struct Seen {
    char32_t code = 0;
    uint32_t size = 0;
    unsigned classes = 0;

    bool is(unsigned any) const { return (classes & any) != 0; }
    bool there() const { return size != 0; }
    bool other() const { return there() && !is(kWhitespace | kLetter | kNumber); }
    bool line_end() const { return code == '\r' || code == '\n'; }
  };

  Seen at(uint32_t place) const {
    if (place >= size_) return {};
    const auto first = static_cast<unsigned char>(text_[place]);
    if (first < 0x80) return {first, 1, kAscii[first]};
    const Decoded character = decode_at(text_, place);
    return {character.code, character.size, classes_of(character.code)};
  }
  /// The first place from `place` on where the character is none of `any`.
  uint32_t skip(uint32_t place, unsigned any) const {
    while (true) {
      const Seen seen = at(place);
      if (!seen.is(any)) return place;
      place += seen.size;
    }
  }
  uint32_t skip_others(uint32_t place) const {
    for (Seen seen = at(place); seen.other(); seen = at(place)) place += seen.size;
    return place;
  }
  uint32_t size() const { return size_; }
  char byte(uint32_t place) const { return place < size_ ? text_[place] : '\0'; }

 private:
  struct Ascii {
    uint16_t classes[128];
    Ascii() {
      for (char32_t c = 0; c < 128; ++c) classes[c] = static_cast<uint16_t>(classes_of(c));
    }
    unsigned operator[](unsigned c) const { return classes[c]; }
  };
  static const Ascii kAscii;

  std::string_view text_;
  uint32_t size_;
};

const Reader::Ascii Reader::kAscii;

// Bytes of 's 't 're 've 'm 'll 'd at an apostrophe; 0 where it is none of them.
uint32_t contraction(const Reader& reader, uint32_t place, bool any_case) {
  constexpr char32_t kLongS = 0x17F;  // whose upper case is S
  const auto folded = [any_case](char c) { return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const char first = folded(reader.byte(place + 1)), second = folded(reader.byte(place + 2));
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  if (any_case && reader.at(place + 1).code == kLongS) return 3;
  return 0;
}

// \s+(?!\S)|\s+ : a row of spaces leaves its last one to the word that follows.
uint32_t spaces_end(const Reader& reader, uint32_t begin) {
  uint32_t end = begin, last = begin;
  for (auto seen = reader.at(end); seen.is(kWhitespace); seen = reader.at(end)) {
    last = end;
    end += seen.size;
  }
  return end < reader.size() && last > begin ? last : end;
}

uint32_t gpt2_word(const Reader& reader, uint32_t begin) {
  auto seen = reader.at(begin);
  if (seen.code == '\'')
    if (const uint32_t size = contraction(reader, begin, false)) return begin + size;
  uint32_t place = begin;
  if (seen.code == ' ') {
    const auto next = reader.at(begin + 1);
    if (next.there() && !next.is(kWhitespace)) {
      place = begin + 1;
      seen = next;
    }
  }
  if (seen.is(kLetter)) return reader.skip(place, kLetter);
  if (seen.is(kNumber)) return reader.skip(place, kNumber);
  if (seen.other()) return reader.skip_others(place);
  return spaces_end(reader, begin);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
uint32_t cl100k_word(const Reader& reader, uint32_t begin, int digits) {
  const auto seen = reader.at(begin);
  if (seen.code == '\'')
    if (const uint32_t size = contraction(reader, begin, true)) return begin + size;
  if (seen.is(kLetter)) return reader.skip(begin, kLetter);
  if (seen.is(kNumber)) {
    uint32_t end = begin;
    for (auto digit = seen; digit.is(kNumber) && digits > 0; digit = reader.at(end), --digits) end += digit.size;
    return end;
  }
  const auto next = reader.at(begin + seen.size);
  if (!seen.line_end() && next.is(kLetter)) return reader.skip(begin + seen.size, kLetter);
  if (seen.other() || (seen.code == ' ' && next.other())) {
    uint32_t end = reader.skip_others(begin + seen.size);
    while (reader.at(end).there() && reader.at(end).line_end()) ++end;
    return end;
  }
  // \s*[\r\n]+ : up to the last end of a line among the spaces.
  uint32_t end = begin, after_line = 0;
  for (auto space = seen; space.is(kWhitespace); space = reader.at(end)) {
    end += space.size;
    if (space.line_end()) after_line = end;
  }
  return after_line > 0 ? after_line : spaces_end(reader, begin);
}

template <typename Word>
void scan(std::string_view text, std::vector<uint32_t>& ends, const Word& word) {
  const Reader reader(text);
  for (uint32_t place = 0; place < reader.size();) {
    place = word(reader, place);
    ends.push_back(place);
  }
}

void scan_cl100k(std::string_view text, std::vector<uint32_t>& ends) {
  scan(text, ends, [](const Reader& reader, uint32_t begin) { return cl100k_word(reader, begin, 3); });
}
void scan_qwen(std::string_view text, std::vector<uint32_t>& ends) {
  scan(text, ends, [](const Reader& reader, uint32_t begin) { return cl100k_word(reader, begin, 1); });
}

}  // namespace

void scan_gpt2(std::string_view text, std::vector<uint32_t>& ends) { scan(text, ends, gpt2_word); }

std::optional<WordScanner> scanner_for(const std::string& pattern) {
  const std::string gpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  const std::string begin = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})";
  const std::string end = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  if (pattern == gpt2) return scan_gpt2;
  if (pattern == begin + "{1,3}" + end) return scan_cl100k;
  if (pattern == begin + end) return scan_qwen;
  return std::nullopt;
}

}  // namespace fewlabel::tokenizing
