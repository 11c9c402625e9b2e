#include "train/byte_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "fewlabel/error.h"

namespace fewlabel {

ByteStream::ByteStream(std::filesystem::path path, Mode mode) : path_(std::move(path)) {
  if (mode == Mode::write) {
    written_.emplace(path_, Durability::atomic);
    return;
  }
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) throw_storage(path_, "read", errno);
}

ByteStream::~ByteStream() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ByteStream::write(const void* data, std::size_t size) {
  hasher_.add(data, size);
  written_->write(data, size);
}

void ByteStream::read(void* data, std::size_t size) {
  const std::size_t wanted = size;
  for (auto* bytes = static_cast<char*>(data); size > 0;) {
    const ssize_t done = ::read(descriptor_, bytes, size);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) throw_storage(path_, "read", errno);
    if (done == 0) throw Error(ErrorKind::storage, path_.string(), "ends too early", "use an undamaged copy");
    bytes += done;
    size -= static_cast<std::size_t>(done);
  }
  hasher_.add(data, wanted);
}

int64_t ByteStream::size() const {
  struct stat status = {};
  if (::fstat(descriptor_, &status) != 0) throw_storage(path_, "read", errno);
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::storage, path_.string(), "is not a regular file");
  return status.st_size;
}

void ByteStream::finish() { written_->finish(); }

}  // namespace fewlabel
