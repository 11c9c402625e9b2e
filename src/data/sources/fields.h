// What single fields of a table say.
#pragma once
#include <string_view>

namespace fewlabel {

/// The number that the whole of a field writes, NaN for a missing one; false for anything else.
bool parse_number(std::string_view field, float& number);

/// Spellings of a value that is not there: empty, null, NA, N/A, NaN, -1, ?, unlabeled, in any case; and None, in this
/// one.
bool is_missing(std::string_view field);

}  // namespace fewlabel
