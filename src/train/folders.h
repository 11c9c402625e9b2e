// Folders that appear whole or not at all.
#pragma once
#include <filesystem>
#include <functional>

namespace fewlabel {

/// Lets `fill` write into a temporary folder beside `folder`, flushes it and gives it the name at once; what stood
/// there before is then removed. When anything throws, the old one still stands and the temporary one is gone. `bytes`
/// is checked against the free space first. Throws Error{storage}.
void write_folder(const std::filesystem::path& folder, int64_t bytes,
                  const std::function<void(const std::filesystem::path&)>& fill);
/// Removes what killed calls of write_folder left in `parent`.
void remove_leftovers(const std::filesystem::path& parent);
/// Copies a file, or a folder of files, so that it appears whole.
void copy_whole(const std::filesystem::path& from, const std::filesystem::path& to);
/// Writes and flushes one file of such a folder.
void write_part(const std::filesystem::path& path, std::string_view content);

}  // namespace fewlabel
