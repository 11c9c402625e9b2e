// The one way to write files: beside their place, then renamed, so that a kill at any moment leaves the old or the new.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fewlabel {

/// The whole file. Throws Error{kind storage} naming it.
std::string read_file(const std::filesystem::path& path);
/// What a file must survive.
enum class Durability {
  durable,  // a power cut: the file is flushed to disk, then its folder. Checkpoints, models, plans, results.
  atomic,   // a kill: it appears whole or not at all. What a command can make again: predictions, arrays, samples.
  scratch,  // nothing: as atomic where it can be, and nobody minds where it cannot. Heartbeats, caches.
};

/// A file that is written piece by piece and takes its place in finish(), through a temporary file in the same folder.
/// Until then what stood there stands, and without finish() it stays. At the end of a link its target is replaced. What
/// is no regular file (a device, a pipe, a terminal, /dev/stdout, /dev/fd/N) is written through, as pieces come.
/// All functions throw Error{storage} (disk full, read-only …).
class Artifact {
 public:
  Artifact(std::filesystem::path path, Durability durability);
  ~Artifact();
  Artifact(const Artifact&) = delete;
  Artifact& operator=(const Artifact&) = delete;

  void write(const void* data, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void finish();

 private:
  [[noreturn]] void fail(int error_number) const;
  int close();

  std::filesystem::path path_;       // as it was asked for
  std::filesystem::path target_;     // the file at the end of its links
  std::filesystem::path temporary_;  // beside that; empty: written through
  Durability durability_;
  int descriptor_ = -1;
};

/// The whole of an Artifact at once. A scratch file that cannot be written is left as it was, without a word.
void write_file(const std::filesystem::path& path, std::string_view content, Durability durability);
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
