// Texts as token ids. The ids of any tokenizer are put in one order: padding, unknown, first, last and mask
// (fewlabel/layout.h), then all others as they come.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "fewlabel/modality.h"
#include "modalities/text/tokenizer/tokenizer.h"

namespace fewlabel {

/// `counts`: how often each of the tokenizer's ids was seen, for the view that replaces words; may be empty.
std::unique_ptr<Modality> make_text_modality(Tokenizer tokenizer, const std::vector<int64_t>& counts);

/// The tokenizer's id of each of our ids; -1 for a special token that it lacks.
std::vector<int32_t> token_order(const Tokenizer& tokenizer);

/// Calls `use` with up to `most` evenly spaced texts of those examples, damaged ones left out.
void each_text(const Source& source, const std::vector<int64_t>& indices, int64_t most,
               const std::function<void(const std::string&)>& use);

/// A byte-level vocabulary learnt from up to 20 MB of those texts.
Tokenizer train_tokenizer(const Source& source, const std::vector<int64_t>& indices, int64_t vocabulary, bool cased);

/// How often each id occurs in up to 20,000 of those texts.
std::vector<int64_t> count_tokens(const Tokenizer& tokenizer, const Source& source,
                                  const std::vector<int64_t>& indices);

}  // namespace fewlabel
