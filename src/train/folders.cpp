#include "train/folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

// Gives `from` the name `to`; swaps the two where `to` exists, so that there is a whole folder of that name at any
// time.
void put_in_place(const fs::path& from, const fs::path& to) {
  const unsigned flags = fs::exists(to) ? RENAME_EXCHANGE : 0;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) throw_storage(to, "write", errno);
  // A file system that cannot swap: for a moment there is none.
  const fs::path old = from.string() + "-old";
  if (flags != 0 && ::rename(to.c_str(), old.c_str()) != 0) throw_storage(to, "replace", errno);
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error_number = errno;
    if (flags != 0) ::rename(old.c_str(), to.c_str());
    throw_storage(to, "write", error_number);
  }
  std::error_code ignored;
  fs::remove_all(old, ignored);
}

bool is_mount(const fs::path& folder) {
  struct statx status = {};
  return ::statx(AT_FDCWD, folder.c_str(), 0, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool must_be_filled_from_within(const fs::path& folder, const fs::path& parent) {
  std::error_code ignored;
  return fs::is_directory(folder, ignored) && fs::is_empty(folder, ignored) &&
         (::access(parent.c_str(), W_OK) != 0 || is_mount(folder));
}

// One by one, in a moment: all that can be done there.
void move_up(const fs::path& from, const fs::path& to) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(from)) entries.push_back(entry.path());
  for (const fs::path& entry : entries)
    if (::rename(entry.c_str(), (to / entry.filename()).c_str()) != 0) throw_storage(to, "write", errno);
}

void sync_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (!entry.is_symlink() && (entry.is_regular_file() || entry.is_directory())) sync_path(entry.path());
  sync_path(folder);
}

}  // namespace

void write_folder(const fs::path& folder, Durability durability, int64_t bytes,
                  const std::function<void(const fs::path&)>& fill) {
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  make_folder(parent);
  std::error_code unknown;
  const bool within = must_be_filled_from_within(folder, parent);
  const fs::space_info space = fs::space(within ? folder : parent, unknown);
  const auto needed = static_cast<uintmax_t>(bytes) + 65536;
  if (!unknown && space.available < needed)
    throw Error(ErrorKind::storage, folder.string(),
                fmt::format("cannot be written: it needs {}, and the disk has {} left",
                            bytes_text(static_cast<double>(needed)), bytes_text(static_cast<double>(space.available))),
                "free some space, then run the command again");
  const fs::path temporary = within ? folder / temporary_name("") : temporary_name(folder);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  try {
    make_folder(temporary);
    fill(temporary);
    if (durability == Durability::durable) sync_tree(temporary);
    within ? move_up(temporary, folder) : put_in_place(temporary, folder);
    if (durability == Durability::durable) sync_path(within ? folder : parent);
  } catch (...) {
    fs::remove_all(temporary, ignored);
    throw;
  }
  fs::remove_all(temporary, ignored);  // after a swap: what stood there before
}

void remove_leftovers(const fs::path& parent) {
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(parent, ignored))
    if (is_temporary(entry.path().filename().string())) leftovers.push_back(entry.path());
  for (const auto& path : leftovers) fs::remove_all(path, ignored);
}

void copy_whole(const fs::path& from, const fs::path& to) {
  if (!fs::is_directory(from)) return write_file(to, read_file(from), Durability::durable);
  std::vector<fs::path> files;
  int64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(from)) {
    files.push_back(entry.path());
    bytes += static_cast<int64_t>(entry.file_size());
  }
  write_folder(to, Durability::durable, bytes, [&](const fs::path& temporary) {
    for (const fs::path& file : files) write_file(temporary / file.filename(), read_file(file), Durability::atomic);
  });
}

}  // namespace fewlabel
