#include "core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "core/cancel.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kTemporary = ".tmp-";
constexpr int kMostLinks = 40;  // that the kernel follows

/// Where the bytes of an output end up.
struct Place {
  enum class Kind { file, stream, descriptor } kind = Kind::file;
  fs::path file;        // a regular file, there or not
  int descriptor = -1;  // of this process, as /dev/stdout and /dev/fd/3 name one
};

/// The descriptor that a link such as /proc/self/fd/3 stands for: the link's text is no path of the same thing.
std::optional<Place> open_descriptor(const fs::path& link) {
  std::error_code ignored;
  const fs::path folder = fs::canonical(link.has_parent_path() ? link.parent_path() : ".", ignored);
  if (folder.filename() != "fd" || !folder.string().starts_with("/proc/")) return std::nullopt;
  const auto number = number_after(link.filename().string(), "");
  if (!number || folder != fmt::format("/proc/{}/fd", ::getpid())) return Place{Place::Kind::stream, {}, -1};
  return Place{Place::Kind::descriptor, {}, static_cast<int>(*number)};
}

Place find_place(const fs::path& path) {
  fs::path at = path;
  for (int links = 0; links < kMostLinks; ++links) {
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0) return {Place::Kind::file, at, -1};  // new, or what open() will complain of
    if (S_ISDIR(status.st_mode)) throw_storage(path, "write", EISDIR);
    if (S_ISREG(status.st_mode)) return {Place::Kind::file, at, -1};
    if (!S_ISLNK(status.st_mode)) return {Place::Kind::stream, {}, -1};
    if (const auto open = open_descriptor(at)) return *open;
    std::error_code error;
    const fs::path to = fs::read_symlink(at, error);
    if (error) throw_storage(path, "write", error.value());
    at = to.is_absolute() ? to : at.parent_path() / to;
  }
  throw_storage(path, "write", ELOOP);
}

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

Artifact::Artifact(fs::path path, Durability durability) : path_(std::move(path)), durability_(durability) {
  const Place place = find_place(path_);
  if (place.kind == Place::Kind::descriptor) {
    descriptor_ = ::fcntl(place.descriptor, F_DUPFD_CLOEXEC, 3);  // opened anew, it would begin at its first byte
  } else if (place.kind == Place::Kind::stream) {
    while ((descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)) < 0 && errno == EINTR)
      stop_if_cancelled();  // a pipe waits for its reader
  } else {
    target_ = place.file;
    temporary_ = temporary_name(target_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    struct stat old {};
    if (descriptor_ >= 0 && ::stat(target_.c_str(), &old) == 0) ::fchmod(descriptor_, old.st_mode & 07777);
  }
  if (descriptor_ < 0) fail(errno);
}

Artifact::~Artifact() {
  if (descriptor_ < 0) return;
  close();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void Artifact::fail(int error_number) const { throw_storage(path_, "write", error_number); }

int Artifact::close() { return ::close(std::exchange(descriptor_, -1)) != 0 ? errno : 0; }

void Artifact::write(const void* data, std::size_t size) {
  for (const auto* bytes = static_cast<const char*>(data); size > 0;) {
    const ssize_t written = ::write(descriptor_, bytes, size);
    if (written < 0 && errno != EINTR) fail(errno);
    if (written < 0 && temporary_.empty()) stop_if_cancelled();  // a pipe waits for its reader
    if (written < 0) continue;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

void Artifact::finish() {
  if (temporary_.empty()) {
    if (const int failed = close()) fail(failed);
    return;
  }
  const bool durable = durability_ == Durability::durable;
  int failed = durable && ::fsync(descriptor_) != 0 ? errno : 0;
  if (const int closed = close(); !failed) failed = closed;
  if (!failed && ::rename(temporary_.c_str(), target_.c_str()) != 0) failed = errno;
  if (failed) {
    ::unlink(temporary_.c_str());
    fail(failed);
  }
  if (durable) sync_path(target_.has_parent_path() ? target_.parent_path() : fs::path("."));
}

void write_file(const fs::path& path, std::string_view content, Durability durability) {
  try {
    Artifact file(path, durability);
    file.write(content);
    file.finish();
  } catch (const Error& error) {
    if (durability != Durability::scratch || error.kind() != ErrorKind::storage) throw;
  }
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
