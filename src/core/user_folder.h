// Where a user's own files go, as the XDG Base Directory Specification has it.
#pragma once
#include <filesystem>
#include <string>

namespace fewlabel {

/// fewlabel's folder below that of an environment variable, "XDG_CACHE_HOME", or else below that part of the home
/// folder, ".cache". Empty where there is no home. Nothing is made.
std::filesystem::path user_folder(const std::string& variable, const std::filesystem::path& below_home);

}  // namespace fewlabel
