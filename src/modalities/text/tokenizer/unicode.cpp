#include "modalities/text/tokenizer/unicode.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <map>
#include <vector>

#include "core/text.h"

namespace fewlabel::tokenizing {
namespace {

struct CodeRange {
  char32_t first, last;
};
struct LowerRun {
  char32_t first, last;
  uint32_t step;
  int32_t difference;
};
#include "modalities/text/tokenizer/unicode_tables.inc"

constexpr char32_t kCodes = 0x110000, kBlock = 256;

// Two stages: equal blocks of 256 characters are kept once, so that what a language needs stays in the cache.
class ClassTable {
 public:
  ClassTable() {
    std::vector<uint16_t> all(kCodes);
    const auto mark = [&all](const auto& ranges, uint16_t bit) {
      for (const CodeRange& range : ranges)
        for (char32_t c = range.first; c <= range.last; ++c) all[c] = static_cast<uint16_t>(all[c] | bit);
    };
    mark(kWhitespaceRanges, kWhitespace);
    mark(kPunctuationRanges, kPunctuation);
    mark(kControlRanges, kControl);
    mark(kNonspacingRanges, kNonspacing);
    mark(kMarkRanges, kMark);
    mark(kNumericRanges, kNumeric);
    mark(kWordRanges, kWord);
    mark(kLetterRanges, kLetter);
    mark(kNumberRanges, kNumber);
    for (const LowerRun& run : kLowerRuns)
      for (char32_t c = run.first; c <= run.last; c += run.step) all[c] = static_cast<uint16_t>(all[c] | kHasLower);
    std::map<std::vector<uint16_t>, uint16_t> known;
    for (char32_t begin = 0; begin < kCodes; begin += kBlock) {
      std::vector<uint16_t> block(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                  all.begin() + static_cast<std::ptrdiff_t>(begin + kBlock));
      const auto [place, fresh] = known.emplace(block, static_cast<uint16_t>(known.size()));
      if (fresh) blocks_.insert(blocks_.end(), block.begin(), block.end());
      index_[begin / kBlock] = place->second;
    }
  }
  unsigned operator[](char32_t c) const { return blocks_[index_[c / kBlock] * kBlock + c % kBlock]; }

 private:
  std::array<uint16_t, kCodes / kBlock> index_{};
  std::vector<uint16_t> blocks_;
};

const ClassTable& class_table() {
  static const ClassTable table;
  return table;
}

struct ByteAlphabet {
  std::array<char32_t, 256> characters{};
  std::array<int16_t, 512> bytes{};

  ByteAlphabet() {
    bytes.fill(-1);
    char32_t next = 256;
    for (char32_t b = 0; b < 256; ++b) {
      const bool visible = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      characters[b] = visible ? b : next++;
      bytes[characters[b]] = static_cast<int16_t>(b);
    }
  }
};

const ByteAlphabet& byte_alphabet() {
  static const ByteAlphabet alphabet;
  return alphabet;
}

}  // namespace

unsigned classes_of(char32_t c) { return c < kCodes ? class_table()[c] : 0; }

char32_t lower_of(char32_t c) {
  if (!is(c, kHasLower)) return c;
  const auto run = std::partition_point(std::begin(kLowerRuns), std::end(kLowerRuns),
                                        [c](const LowerRun& candidate) { return candidate.last < c; });
  const bool holds = run != std::end(kLowerRuns) && c >= run->first && (c - run->first) % run->step == 0;
  if (holds) return static_cast<char32_t>(static_cast<int32_t>(c) + run->difference);
  return c;
}

void append_utf8(std::string& text, char32_t c) {
  const auto put = [&text](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

bool is_ascii(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & 0x8080808080808080u) != 0) return false;
  }
  for (; at < text.size(); ++at)
    if (static_cast<unsigned char>(text[at]) >= 0x80) return false;
  return true;
}

std::size_t valid_until(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return at;
}

char32_t character_of_byte(uint8_t byte) { return byte_alphabet().characters[byte]; }
int byte_of_character(char32_t c) { return c < 512 ? byte_alphabet().bytes[c] : -1; }

}  // namespace fewlabel::tokenizing
