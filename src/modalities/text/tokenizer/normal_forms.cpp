// With ICU's tables and not utf8proc's: ICU says since which version of Unicode a character is known. PyPI's
// `tokenizers` normalizes by Unicode 12.0 and leaves younger characters as they are; the same holds here, whatever ICU
// Debian has.
#include "modalities/text/tokenizer/normal_forms.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <algorithm>
#include <array>
#include <optional>

#include "fewlabel/error.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

bool known(char32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] <= 12 && (age[0] < 12 || age[1] == 0);
}

const UNormalizer2* instance(bool compatible) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* normalizer = compatible ? unorm2_getNFKCInstance(&status) : unorm2_getNFCInstance(&status);
  if (U_FAILURE(status)) throw Error(ErrorKind::failure, "tokenizer", "ICU cannot load its tables", "reinstall libicu");
  return normalizer;
}

uint8_t combining_class(char32_t c) {
  return c < 0x300 || !known(c) ? uint8_t{0} : u_getCombiningClass(static_cast<UChar32>(c));
}

struct Combining {
  char32_t code;
  int32_t change;
  uint8_t order;  // canonical combining class
};

// All characters decomposed, rows of marks in canonical order.
std::vector<Combining> decompose(std::string_view text, bool compatible) {
  const UNormalizer2* normalizer = instance(compatible);
  std::vector<Combining> result;
  result.reserve(text.size());
  std::size_t starter = 0;  // marks from here on are not in order yet
  const auto sort = [&] {
    std::stable_sort(result.begin() + static_cast<std::ptrdiff_t>(starter), result.end(),
                     [](const Combining& a, const Combining& b) { return a.order < b.order; });
    starter = result.size();
  };
  const auto push = [&](char32_t c, bool first) {
    const uint8_t order = combining_class(c);
    if (order == 0) sort();
    result.push_back({c, first ? 0 : 1, order});
  };
  for (std::size_t at = 0; at < text.size();) {
    const Decoded character = decode_at(text, at);
    at += character.size;
    std::array<UChar, 64> units;
    UErrorCode status = U_ZERO_ERROR;
    int32_t count = -1;
    if (character.code >= 0xA0 && known(character.code))
      count = unorm2_getDecomposition(normalizer, static_cast<UChar32>(character.code), units.data(),
                                      static_cast<int32_t>(units.size()), &status);
    if (count < 0 || U_FAILURE(status)) {
      push(character.code, true);
      continue;
    }
    for (int32_t i = 0; i < count;) {
      UChar32 part = 0;
      const bool first = i == 0;
      U16_NEXT(units, i, count, part);
      push(static_cast<char32_t>(part), first);
    }
  }
  sort();
  return result;
}

std::optional<char32_t> compose(const UNormalizer2* normalizer, char32_t a, char32_t b) {
  if (b < 0x300) return std::nullopt;
  const UChar32 pair = unorm2_composePair(normalizer, static_cast<UChar32>(a), static_cast<UChar32>(b));
  if (pair < 0 || !known(static_cast<char32_t>(pair))) return std::nullopt;
  return static_cast<char32_t>(pair);
}

// UAX 15's composition: a mark joins the last starter where no mark of the same or a higher class stands between.
std::vector<Change> recompose(const std::vector<Combining>& parts) {
  const UNormalizer2* normalizer = instance(false);
  std::vector<Change> result;
  result.reserve(parts.size());
  std::optional<std::size_t> starter;  // where the last one stands in `result`
  int last = -1;                       // class of the last mark after it; -1: none
  for (const Combining& part : parts) {
    if (starter && last < part.order) {
      Change& base = result[*starter];
      if (const auto pair = compose(normalizer, base.code, part.code)) {
        base = {*pair, base.change + part.change - 1};
        continue;
      }
    }
    if (part.order == 0) {
      starter = result.size();
      last = -1;
    } else if (starter) {
      last = part.order;
    }
    result.push_back({part.code, part.change});
  }
  return result;
}

}  // namespace

void normalize(Text& text, NormalForm form) {
  if (is_ascii(text.view())) return;
  const auto parts = decompose(text.view(), form == NormalForm::nfkc || form == NormalForm::nfkd);
  if (form == NormalForm::nfc || form == NormalForm::nfkc) {
    text.transform(recompose(parts));
    return;
  }
  std::vector<Change> changes;
  changes.reserve(parts.size());
  for (const Combining& part : parts) changes.push_back({part.code, part.change});
  text.transform(changes);
}

}  // namespace fewlabel::tokenizing
