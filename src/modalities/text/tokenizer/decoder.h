// How tokens become text again: the `decoder` of a tokenizer.json.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "modalities/text/tokenizer/reading.h"

namespace fewlabel::tokenizing {

using Decoder = std::function<void(std::vector<std::string>& tokens)>;

/// Adds the steps that `part` names, in order; what they leave, joined, is the text. Throws Error{storage} for what is
/// unknown or unsound.
void read_decoder(const JsonPart& part, std::vector<Decoder>& steps);

}  // namespace fewlabel::tokenizing
