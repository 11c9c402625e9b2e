// Tokens that were added to a vocabulary: they are found in the text before it is cut into words.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "modalities/text/tokenizer/document.h"
#include "modalities/text/tokenizer/normalizers.h"
#include "modalities/text/tokenizer/trie.h"
#include "modalities/text/tokenizer/vocabulary.h"

namespace fewlabel::tokenizing {

struct AddedToken {
  std::string content;
  std::string normalized;            // `content`, as normalizers leave it where it is looked for behind them
  bool single_word = false;          // only where no letter or digit is beside it
  bool left = false, right = false;  // takes spaces on that side with it
  bool after = false;                // looked for in the normalized text
  bool special = false;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// Reads the list "added_tokens" of the whole file, if any. Ids are the vocabulary's, or those behind its end.
  AddedTokens(const JsonPart& file, const Vocabulary& vocabulary, const std::vector<Normalizer>& normalizers);

  /// Cuts the pieces at the tokens that are looked for before normalizers ran, or after.
  void find(Document& document, bool after) const;

  const AddedToken* token(int32_t id) const;
  std::optional<int32_t> id(std::string_view content) const;
  bool special(std::string_view content) const { return specials_.contains(std::string(content)); }
  /// One more than the largest id; 0 where there is none.
  int32_t ids() const { return ids_; }

 private:
  void find_in(const Trie& trie, const Document& document, const Piece& piece, std::vector<Piece>& pieces) const;

  std::unordered_map<int32_t, AddedToken> tokens_;
  std::unordered_map<std::string, int32_t> by_content_;
  std::unordered_set<std::string> specials_;
  Trie before_, after_;
  int32_t ids_ = 0;
};

}  // namespace fewlabel::tokenizing
