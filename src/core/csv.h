// CSV, as spreadsheets and other programs read it.
#pragma once
#include <string>

namespace fewlabel {

/// A field of text: quoted where needed, and never a formula when a spreadsheet opens it.
std::string csv_field(const std::string& text);

}  // namespace fewlabel
