#include "data/byte_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/cancel.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

struct GzipClose {
  void operator()(gzFile file) const { gzclose(file); }
};
using Gzip = std::unique_ptr<gzFile_s, GzipClose>;

Gzip open_gzip(const std::filesystem::path& path) {
  Gzip file(gzopen(path.c_str(), "rb"));
  if (!file) throw_data(path.string(), fmt::format("cannot be opened: {}", std::strerror(errno)));
  gzbuffer(file.get(), 1 << 17);
  return file;
}

int64_t read_gzip(gzFile file, const std::filesystem::path& path, std::span<uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    stop_if_cancelled("data");
    const auto wanted = static_cast<unsigned>(std::min<std::size_t>(out.size() - done, 1 << 24));
    const int got = gzread(file, out.data() + done, wanted);
    int code = Z_OK;
    const char* reason = gzerror(file, &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END))
      throw_data(path.string(), fmt::format("the gzip stream is damaged or cut short ({})", reason),
                 "fetch the file again");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<int64_t>(done);
}

}  // namespace

void throw_data(std::string where, std::string message, std::string hint) {
  throw Error(ErrorKind::data, std::move(where), std::move(message), std::move(hint));
}

void throw_claim(const std::string& where, int64_t height, int64_t width, int64_t bytes) {
  throw_data(where, fmt::format("claims {} × {} pixels but has only {} bytes", width, height, bytes));
}

void check_pixels(const std::string& where, int64_t height, int64_t width, int64_t max_pixels) {
  if (height < 1 || width < 1)
    throw_data(where, fmt::format("has an impossible size of {} × {} pixels", width, height));
  if (height > max_pixels / width)
    throw_data(where,
               fmt::format("claims {} × {} pixels, more than the limit of {}", width, height, with_commas(max_pixels)));
}

ByteFile::ByteFile(std::filesystem::path path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) throw_data(path_.string(), fmt::format("cannot be opened: {}", std::strerror(errno)));
  struct stat status {};
  if (fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw_data(path_.string(), "is not a regular file");
  }
  size_ = status.st_size;
}

ByteFile::~ByteFile() { ::close(descriptor_); }

void ByteFile::read_at(int64_t offset, std::span<uint8_t> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset) + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_data(path_.string(), fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) throw_data(path_.string(), "is cut short: it ends before the data that its header promises");
    done += static_cast<std::size_t>(got);
  }
}

Bytes read_bytes(const std::filesystem::path& path, int64_t limit) {
  const ByteFile file(path);
  if (file.size() > limit)
    throw_data(path.string(),
               fmt::format("has {}, more than the {} that are read at most",
                           bytes_text(static_cast<double>(file.size())), bytes_text(static_cast<double>(limit))));
  Bytes bytes(static_cast<std::size_t>(file.size()));
  file.read_at(0, bytes);
  return bytes;
}

Bytes gunzip_prefix(const std::filesystem::path& path, int64_t count) {
  const Gzip file = open_gzip(path);
  Bytes bytes(static_cast<std::size_t>(count));
  bytes.resize(static_cast<std::size_t>(read_gzip(file.get(), path, bytes)));
  return bytes;
}

Bytes gunzip_exactly(const std::filesystem::path& path, int64_t size) {
  const int64_t compressed = ByteFile(path).size();
  if (size > most_inflated(compressed))
    throw_data(path.string(),
               fmt::format("its header promises {}, more than {} of gzip can hold",
                           bytes_text(static_cast<double>(size)), bytes_text(static_cast<double>(compressed))));
  const Gzip file = open_gzip(path);
  Bytes bytes(static_cast<std::size_t>(size));
  const int64_t got = read_gzip(file.get(), path, bytes);
  if (got < size)
    throw_data(path.string(), fmt::format("is cut short: it holds {} bytes where its header promises {}", got, size));
  uint8_t extra = 0;
  if (read_gzip(file.get(), path, {&extra, 1}) != 0)
    throw_data(path.string(), fmt::format("holds more than the {} bytes that its header promises", size));
  return bytes;
}

bool is_gzip(const std::filesystem::path& path) {
  const ByteFile file(path);
  uint8_t magic[2] = {};
  if (file.size() < 2) return false;
  file.read_at(0, magic);
  return magic[0] == 0x1f && magic[1] == 0x8b;
}

}  // namespace fewlabel
