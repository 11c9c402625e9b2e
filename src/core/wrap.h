// Text in lines that fit.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace fewlabel {

constexpr std::size_t kTextColumns = 80;

/// Breaks `text` at blanks into lines of at most `width` columns, each after `indent` blanks; '\n' ends a line. A word
/// is never broken: one that is wider stands alone on its line.
std::string wrap(std::string_view text, std::size_t indent, std::size_t width = kTextColumns);

/// The same for text that is laid out already: lines that fit stay as they are, what is broken off a line goes below
/// its first word, two columns further in.
std::string fold(std::string_view text, std::size_t width = kTextColumns);

}  // namespace fewlabel
