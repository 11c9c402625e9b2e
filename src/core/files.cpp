#include "core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "fewlabel/error.h"

namespace fewlabel {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kTemporary = ".tmp-";

}  // namespace

void throw_storage(const fs::path& path, std::string_view action, int error_number) {
  std::string hint;
  if (error_number == ENOSPC || error_number == EDQUOT) hint = "free some space, then run the command again";
  if (error_number == EACCES || error_number == EROFS || error_number == EPERM)
    hint = "check the folder's permissions, or choose another folder";
  throw Error(ErrorKind::storage, path.string(), fmt::format("cannot {}: {}", action, std::strerror(error_number)),
              hint);
}

std::string read_file(const fs::path& path) {
  struct Descriptor {
    int number;
    ~Descriptor() {
      if (number >= 0) ::close(number);
    }
  };
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) throw_storage(path, "read", errno);
  std::string content;
  std::array<char, 1 << 16> part;
  for (;;) {
    const ssize_t got = ::read(file.number, part.data(), part.size());  // of a folder: EISDIR
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_storage(path, "read", errno);
    if (got == 0) return content;
    content.append(part.data(), static_cast<std::size_t>(got));
  }
}

void sync_path(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_storage(path, "open", errno);
  const int failed = ::fsync(descriptor) != 0 && errno != EINVAL ? errno : 0;  // EINVAL: not a thing that can be synced
  ::close(descriptor);
  if (failed) throw_storage(path, "flush", failed);
}

void write_file(const fs::path& path, std::string_view content) {
  const fs::path temporary = temporary_name(path);
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) throw_storage(path, "write", errno);
  const auto give_up = [&](int error_number) {
    ::close(descriptor);
    ::unlink(temporary.c_str());
    throw_storage(path, "write", error_number);
  };
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) give_up(errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(descriptor) != 0) give_up(errno);
  ::close(descriptor);
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(temporary.c_str());
    throw_storage(path, "write", error_number);
  }
  sync_path(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw_storage(path, "create the folder", error.value());
}

std::optional<int64_t> number_after(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  int64_t number = 0;
  const char *begin = name.data() + prefix.size(), *const end = name.data() + name.size();
  const auto [last, error] = std::from_chars(begin, end, number);
  return error == std::errc() && last == end && *begin != '-' ? std::optional(number) : std::nullopt;
}

fs::path temporary_name(const fs::path& path) { return path.string() + fmt::format("{}{}", kTemporary, ::getpid()); }

bool is_temporary(std::string_view name) {
  const auto mark = name.rfind(kTemporary);
  return mark != std::string_view::npos && number_after(name.substr(mark), kTemporary);
}

FileLock::FileLock(const fs::path& path, std::string_view what) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_storage(path, "write", errno);
  // held() takes a lock for a moment, which must not pass for a run.
  bool locked = false;
  for (int tries = 0; !locked && tries < 5; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  }
  if (!locked) {
    ::close(descriptor_);
    throw Error(ErrorKind::storage, path.parent_path().string(), fmt::format("{} is in use by another process", what),
                "wait for it to end, or choose another folder with out=NAME");
  }
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool FileLock::held(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool held = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return held;
}

}  // namespace fewlabel
