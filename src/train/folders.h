// Folders that appear whole or not at all.
#pragma once
#include <filesystem>
#include <functional>

#include "core/files.h"

namespace fewlabel {

/// Lets `fill` write into a temporary folder beside `folder`, flushes all of it (durable) and gives it the name at
/// once; what stood there before is then removed. So its files may be atomic each. When anything throws, the old one
/// still stands and the temporary one is gone. `bytes` is checked against the free space first. An empty folder that
/// cannot be renamed over (a mount, or in a folder of somebody else's) is filled from within. Throws Error{storage}.
void write_folder(const std::filesystem::path& folder, Durability durability, int64_t bytes,
                  const std::function<void(const std::filesystem::path&)>& fill);
/// Removes what killed calls of write_folder left in `parent`.
void remove_leftovers(const std::filesystem::path& parent);
/// Copies a file, or a folder of files, so that it appears whole and lasts.
void copy_whole(const std::filesystem::path& from, const std::filesystem::path& to);
}  // namespace fewlabel
