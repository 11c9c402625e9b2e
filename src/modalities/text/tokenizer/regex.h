// Regular expressions as tokenizer files have them.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modalities/text/tokenizer/document.h"

namespace fewlabel::tokenizing {

/// Oniguruma with Ruby's syntax, which PyPI's `tokenizers` uses as well. Immutable, for any number of threads.
class Regex {
 public:
  /// Throws Error{storage} naming `where` for a pattern that is none.
  Regex(const std::string& pattern, const std::string& where);
  /// The parts of the text that match and those between. Throws Error{data} where a text drives it into endless trying.
  void matches(std::string_view text, std::vector<Match>& matches) const;

 private:
  std::shared_ptr<void> compiled_;
  std::string where_;
};

/// The parts of a text that are `literal` and those between; `literal` is not empty.
void match_literal(std::string_view text, std::string_view literal, std::vector<Match>& matches);

}  // namespace fewlabel::tokenizing
