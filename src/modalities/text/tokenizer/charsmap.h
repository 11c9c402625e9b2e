// SentencePiece's precompiled normalization: a trie of what is replaced, and the replacements.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modalities/text/tokenizer/reading.h"
#include "modalities/text/tokenizer/text.h"

namespace fewlabel::tokenizing {

class Charsmap {
 public:
  /// `part` holds "precompiled_charsmap": base64 of the trie's size, a double array of 32-bit units, texts ended by 0.
  explicit Charsmap(const JsonPart& part);
  void apply(Text& text) const;

 private:
  std::optional<std::string_view> replacement(std::string_view text) const;

  std::vector<uint32_t> units_;
  std::string texts_;
};

}  // namespace fewlabel::tokenizing
