// How a text is cut into words: the `pre_tokenizer` of a tokenizer.json.
#pragma once
#include <functional>
#include <vector>

#include "modalities/text/tokenizer/document.h"
#include "modalities/text/tokenizer/reading.h"

namespace fewlabel::tokenizing {

using PreTokenizer = std::function<void(Document&)>;

struct PreTokenizers {
  std::vector<PreTokenizer> steps;
  /// The last step is to show bytes as visible characters (show_bytes); it is not among the steps, since a model that
  /// knows all of them can read the bytes themselves.
  bool shows_bytes = false;
  /// A step asks where in the original a piece begins, so that spans have to be kept.
  bool needs_origins = false;
};

/// Throws Error{storage} for what is unknown or unsound.
PreTokenizers read_pre_tokenizers(const JsonPart& part);
/// The steps of ByteLevel, but for showing the bytes.
void add_byte_level(bool prefix_space, bool use_regex, std::vector<PreTokenizer>& steps);

}  // namespace fewlabel::tokenizing
