// The regular expressions that nearly all byte-level vocabularies cut words with, written out by hand: ten times faster
// than a regular expression, and exact for characters younger than Debian's oniguruma.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel::tokenizing {

/// Adds where each word ends; words cover the text.
using WordScanner = void (*)(std::string_view text, std::vector<uint32_t>& ends);

/// GPT-2's: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
void scan_gpt2(std::string_view text, std::vector<uint32_t>& ends);

/// The scanner for a pattern, where there is one: GPT-2's, cl100k's (GPT-4, Llama 3) and Qwen's.
std::optional<WordScanner> scanner_for(const std::string& pattern);

}  // namespace fewlabel::tokenizing
