// Texts as rows of hashed words: no vocabulary, so nothing is fitted. Enough to look at texts and to count them.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "fewlabel/modality.h"

namespace fewlabel {

/// Ids are hashes of the words between white space, never 0. Refuses texts that are empty, no UTF-8 or hold NUL.
std::unique_ptr<Modality> make_plain_text_modality();

/// The bytes as UTF-8 text. Throws Error{data} for what the modality refuses.
std::string_view text_of(const std::string& where, const Raw& raw);

/// The layout that 19 of 20 texts fit into, of at most `sample` evenly spaced ones: what guess() gives.
Layout usual_text_layout(const Modality& modality, const Source& source, int64_t sample);

}  // namespace fewlabel
