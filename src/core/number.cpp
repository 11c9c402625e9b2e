#include "core/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace fewlabel {

std::string number_text(double number) {
  // Beyond these a row of zeros is harder to read than an exponent.
  constexpr double kSmallest = 1e-4, kLargest = 1e15;
  const double size = std::abs(number);
  const bool plain = size == 0 || (size >= kSmallest && size < kLargest) || !std::isfinite(number);
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string result(text.data(), end.ptr);
  if (const auto mark = result.find('e'); !plain && mark != std::string::npos)  // "1e-05": C's two digits at least
    result = result.substr(0, mark + 1) + std::to_string(std::atoi(result.c_str() + mark + 1));
  return result;
}

namespace {

template <typename Number>
std::optional<Number> all_of(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

std::optional<double> real_number(std::string_view text) { return all_of<double>(text); }
std::optional<int64_t> whole_number(std::string_view text) { return all_of<int64_t>(text); }

}  // namespace fewlabel
