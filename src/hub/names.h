// What may be asked of a hub, and what it may answer: names that lead nowhere else. Internal to src/hub.
#pragma once
#include <string>
#include <string_view>

namespace fewlabel {

/// Letters, digits, '.', '_' and '-', the first a letter or digit, no "..": a name of a folder or a file anywhere.
bool is_plain_file_name(std::string_view name);
/// Throws Error{usage} for what is no ORG/NAME.
void check_repository(const std::string& repository);
/// Throws Error{usage} for what can be no branch, tag or commit.
void check_revision(const std::string& revision);
/// As a part of an address: all but letters, digits, '.', '_' and '-' as %2F.
std::string percent_encoded(std::string_view text);
/// Exactly so many hexadecimal digits, of lower case.
bool is_hex(std::string_view text, std::size_t digits);

}  // namespace fewlabel
