// Files that must survive a kill at any moment: written beside their place, flushed to disk, then renamed.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fewlabel {

/// The whole file. Throws Error{kind storage} naming it.
std::string read_file(const std::filesystem::path& path);
/// Writes through a temporary file in the same folder, fsync, rename, fsync of the folder.
/// Throws Error{storage} (disk full, read-only …); then the old content still stands.
void write_file(const std::filesystem::path& path, std::string_view content);
/// Flushes a written file or a folder to disk.
void sync_path(const std::filesystem::path& path);
/// Creates the folder and its parents. Throws Error{storage}.
void make_folder(const std::filesystem::path& path);
/// N of a name "prefixN", for example of a folder "step-1200"; empty for any other name.
std::optional<int64_t> number_after(std::string_view name, std::string_view prefix);
/// The name of something half written: what it will be called, ".tmp-" and the process.
std::filesystem::path temporary_name(const std::filesystem::path& path);
/// Whether `name` is such a one, of whatever process.
bool is_temporary(std::string_view name);
/// "cannot write PATH: No space left on device" as Error{storage}, with a hint for the usual causes.
[[noreturn]] void throw_storage(const std::filesystem::path& path, std::string_view action, int error_number);

/// Holds a lock file for as long as it lives; the lock vanishes with the process, however it ends.
class FileLock {
 public:
  /// Throws Error{storage} when another process holds it.
  FileLock(const std::filesystem::path& path, std::string_view what);
  ~FileLock();
  /// Whether a process, this one included, holds the lock now.
  static bool held(const std::filesystem::path& path);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace fewlabel
