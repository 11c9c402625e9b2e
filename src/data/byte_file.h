// Files of strangers, read within limits: regular files only, sizes checked before memory is taken. Thread-safe.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel {

using Bytes = std::vector<uint8_t>;

/// The largest encoded image (or other member) that is taken into memory.
inline constexpr int64_t kMaxEncodedBytes = int64_t{256} << 20;

[[noreturn]] void throw_data(std::string where, std::string message, std::string hint = {});

/// Throws Error{data} when height × width exceeds max_pixels or one of them is not positive.
void check_pixels(const std::string& where, int64_t height, int64_t width, int64_t max_pixels);

/// Throws Error{data} for a header that promises more than a file of `bytes` can hold.
[[noreturn]] void throw_claim(const std::string& where, int64_t height, int64_t width, int64_t bytes);

/// An open file that is read at any offset.
class ByteFile {
 public:
  /// Throws Error{data} naming the file: missing, unreadable, not a regular file.
  explicit ByteFile(std::filesystem::path path);
  ~ByteFile();
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  int64_t size() const { return size_; }
  /// Fills `out` from `offset`. Throws Error{data} when the file ends before.
  void read_at(int64_t offset, std::span<uint8_t> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

/// The whole file. Throws Error{data} when it is larger than `limit` bytes.
Bytes read_bytes(const std::filesystem::path& path, int64_t limit);

/// The first `count` bytes of a gzip file, or fewer where it is shorter.
Bytes gunzip_prefix(const std::filesystem::path& path, int64_t count);
/// Exactly `size` bytes from a gzip file. Throws Error{data}: damaged, shorter or longer, or `size` is more than the
/// file could hold (deflate shrinks 1032 times at best), which is found out before memory is taken.
Bytes gunzip_exactly(const std::filesystem::path& path, int64_t size);

/// The most bytes that `compressed` bytes of deflate can become.
inline int64_t most_inflated(int64_t compressed) { return 1032 * compressed + 1024; }

bool is_gzip(const std::filesystem::path& path);

}  // namespace fewlabel
