// What is done to a text before it is cut up: the `normalizer` of a tokenizer.json.
#pragma once
#include <functional>
#include <vector>

#include "modalities/text/tokenizer/reading.h"
#include "modalities/text/tokenizer/text.h"

namespace fewlabel::tokenizing {

using Normalizer = std::function<void(Text&)>;

/// Adds the steps that `part` names, in order. Throws Error{storage} for what is unknown or unsound.
void read_normalizer(const JsonPart& part, std::vector<Normalizer>& steps);

void lower_case(Text& text);
/// Removes the characters of which `removed` is true.
void remove_characters(Text& text, const std::function<bool(char32_t)>& removed);
/// Each byte becomes the visible character of GPT-2's alphabet.
void show_bytes(Text& text);

}  // namespace fewlabel::tokenizing
