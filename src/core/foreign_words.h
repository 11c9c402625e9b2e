// What other programs of the field call their settings, and what those are called here.
#pragma once
#include <string>
#include <string_view>

namespace fewlabel {

struct Translation {
  std::string key;    // "train.batch"; empty: the word is not known
  std::string value;  // that says the same: the one that came with the word, unless another is needed; may be empty
  std::string more;   // a sentence, where the two do not mean quite the same; may be empty
  explicit operator bool() const { return !key.empty(); }
};

/// Of "batch_size", "--batch-size" without its dashes, "Epochs", … with what was given as its value (may be empty).
Translation translated(std::string_view word, std::string_view value = {});

}  // namespace fewlabel
