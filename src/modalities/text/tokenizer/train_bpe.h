// A byte-level vocabulary learnt from the user's own texts.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "modalities/text/tokenizer/tokenizer.h"

namespace fewlabel {

struct BpeTraining {
  int32_t size = 8192;       // tokens at most: 5 special ones, 256 bytes, then merges
  int64_t least_count = 2;   // a pair of tokens that is seen less often is not merged
  bool lower_case = false;   // NFC and lower case before all: few labels have few texts, and so few of each word
  bool prefix_space = true;  // the first word of a text is the word that it is elsewhere
};

/// Byte-pair encoding over bytes, cut into words as GPT-2 does it; no text is unknown to it. Ids 0 to 4 are [PAD],
/// [UNK] (never given), [CLS], [SEP] and [MASK]; encode() puts [CLS] before a text and [SEP] behind it. Merges are
/// those of PyPI's `tokenizers` BpeTrainer, ties included. `next` gives the next text, or false at the end; bytes that
/// are no UTF-8 count as U+FFFD. Throws Error{usage} for a size below 261 or above 2^23.
Tokenizer train_byte_bpe(const std::function<bool(std::string&)>& next, const BpeTraining& training);
Tokenizer train_byte_bpe(std::span<const std::string> texts, const BpeTraining& training);

}  // namespace fewlabel
