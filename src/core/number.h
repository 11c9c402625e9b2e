// Numbers as text.
#pragma once
#include <string>

namespace fewlabel {

/// The fewest digits that read back as the same number: "0.95", "5", "0.0005", "1e-5"; "nan", "inf" and "-inf".
std::string number_text(double number);

}  // namespace fewlabel
