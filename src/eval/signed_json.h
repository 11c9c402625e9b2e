// JSON files that carry the hash of their own content, so that a flipped bit is found.
#pragma once
#include <filesystem>

#include "fewlabel/config.h"
#include "fewlabel/error.h"

namespace fewlabel {

/// The text of `json` with a "hash" of all the rest, for a file.
std::string signed_text(Json json);
/// Reads such a file. Throws Error{storage} naming it when it is missing or its content does not match its hash.
Json read_signed(const std::filesystem::path& path);
/// "FILE is damaged …", with what to do.
Error damaged_file(const std::filesystem::path& path, const std::string& what);

}  // namespace fewlabel
