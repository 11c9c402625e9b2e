#include "train/folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>

#include <cerrno>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "train/byte_stream.h"

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

}  // namespace

void write_folder(const fs::path& folder, int64_t bytes, const std::function<void(const fs::path&)>& fill) {
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  make_folder(parent);
  std::error_code unknown;
  const fs::space_info space = fs::space(parent, unknown);
  const auto needed = static_cast<uintmax_t>(bytes) + 65536;
  if (!unknown && space.available < needed)
    throw Error(ErrorKind::storage, folder.string(),
                fmt::format("cannot be written: it needs {}, and the disk has {} left",
                            bytes_text(static_cast<double>(needed)), bytes_text(static_cast<double>(space.available))),
                "free some space, then run the command again");
  const fs::path temporary = temporary_name(folder);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  try {
    make_folder(temporary);
    fill(temporary);
    sync_path(temporary);
    put_in_place(temporary, folder);
    sync_path(parent);
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
  if (!fs::is_directory(from)) return write_file(to, read_file(from));
  std::vector<fs::path> files;
  int64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(from)) {
    files.push_back(entry.path());
    bytes += static_cast<int64_t>(entry.file_size());
  }
  write_folder(to, bytes, [&](const fs::path& temporary) {
    for (const fs::path& file : files) write_part(temporary / file.filename(), read_file(file));
  });
}

void write_part(const fs::path& path, std::string_view content) {
  ByteStream file(path, ByteStream::Mode::write);
  file.write(content.data(), content.size());
  file.finish();
}

}  // namespace fewlabel
