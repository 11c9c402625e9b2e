// Small text helpers shared by all modules.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel {

std::vector<std::string> split_text(std::string_view text, char separator);
std::string trim(std::string_view text);
std::string lower(std::string_view text);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// What a file may be called on any system: each row of other characters than letters, digits, '.' and '_' becomes one
/// '-', and none begins it.
std::string plain_name(std::string_view text);
/// "1,234,567"
std::string with_commas(int64_t number);
/// "3 min 05 s", "2 h 10 min"
std::string duration(double seconds);
/// "12.3 MB"
std::string bytes_text(double bytes);

/// Bytes of the UTF-8 character at the start of `text`; 0 where it is none: overlong forms, surrogates, cut ones, no
/// text.
std::size_t utf8_length(std::string_view text);
/// The text with each byte that is no UTF-8 as "\xe9".
std::string escape_bytes(std::string_view text);
/// Characters, not bytes, so that text in any script lines up.
std::size_t columns(std::string_view text);
/// Control characters become '?', those of Latin-1 included, and bytes that are no UTF-8 "\xe9": a name from a file
/// could move the cursor or change colours of the terminal.
std::string printable(std::string text);

}  // namespace fewlabel
