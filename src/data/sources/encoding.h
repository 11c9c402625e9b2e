// Bytes of text files as UTF-8. What cannot be converted becomes a byte that is no UTF-8, so that the one example it
// lies in is found to be damaged, and not the file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace fewlabel {

/// The longest text that is taken for one example, in bytes.
inline constexpr int64_t kLongestText = 1 << 20;

/// `encoding` as iconv knows it, or "latin-1"; empty: UTF-8, or UTF-16 where a byte order mark says so. Byte order
/// marks are dropped. Throws Error{usage} for an encoding that is not known.
std::string to_utf8(std::string bytes, const std::string& encoding);

/// A whole file as UTF-8. Throws Error{data} when it cannot be read or has more than `limit` bytes.
std::string read_text(const std::filesystem::path& path, int64_t limit, const std::string& encoding);

}  // namespace fewlabel
