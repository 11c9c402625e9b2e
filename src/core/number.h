// Numbers as text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fewlabel {

/// The fewest digits that read back as the same number: "0.95", "5", "0.0005", "1e-5"; "nan", "inf" and "-inf".
std::string number_text(double number);

/// All of a text as a number, finite or not; nothing where any of it is none.
std::optional<double> real_number(std::string_view text);
std::optional<int64_t> whole_number(std::string_view text);

}  // namespace fewlabel
