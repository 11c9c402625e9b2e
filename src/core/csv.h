// CSV (RFC 4180).
#pragma once
#include <string>

namespace fewlabel {

/// A field of text, exactly as it is, quoted where needed: a path in it opens, a class compares.
std::string csv_field(const std::string& text);

/// The same for tables that people open in a spreadsheet: never a formula there, for an apostrophe in front.
std::string spreadsheet_field(const std::string& text);

}  // namespace fewlabel
