// Characters of UTF-8 text and what they are, as the tokenizers of the field see them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace fewlabel::tokenizing {

enum CharClass : uint16_t {
  kWhitespace = 1,
  kPunctuation = 2,  // ASCII's and Unicode's: what BERT splits at
  kControl = 4,      // what BERT's cleaning removes
  kNonspacing = 8,   // accents that BERT strips
  kMark = 16,        // combining marks
  kNumeric = 32,     // digits, numerals, fractions
  kWord = 64,        // \w
  kLetter = 128,     // \p{L}
  kNumber = 256,     // \p{N}
  kHasLower = 512,   // lower() gives another character
};

/// A set of CharClass.
unsigned classes_of(char32_t c);
inline bool is(char32_t c, unsigned any) { return (classes_of(c) & any) != 0; }
/// The lower case of one character; U+0130, whose lower case is two, stays.
char32_t lower_of(char32_t c);

struct Decoded {
  char32_t code;
  uint32_t size;  // bytes
};
/// The character that begins at `at`. The text must be valid UTF-8 and `at` less than its size.
inline Decoded decode_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (first < 0xF0) return {(first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}
/// Bytes of the character that begins with `first`.
inline uint32_t size_of_first(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}
inline uint32_t size_of_code(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }
/// Whether a byte is inside a character, not its first.
inline bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
void append_utf8(std::string& text, char32_t c);
std::size_t count_characters(std::string_view text);
/// Where the text stops being valid UTF-8; its size when it never does.
std::size_t valid_until(std::string_view text);
bool is_ascii(std::string_view text);

/// GPT-2's alphabet: a visible character for each byte, and back (-1: stands for none).
char32_t character_of_byte(uint8_t byte);
int byte_of_character(char32_t c);

}  // namespace fewlabel::tokenizing
