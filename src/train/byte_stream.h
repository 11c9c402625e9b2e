// A file written or read from end to end, hashed on the way; every failure is an Error{storage} that names it.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/files.h"
#include "core/hash.h"

namespace fewlabel {

class ByteStream {
 public:
  enum class Mode { read, write };
  ByteStream(std::filesystem::path path, Mode mode);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  void write(const void* data, std::size_t size);
  /// Throws when the file ends before.
  void read(void* data, std::size_t size);
  int64_t size() const;  // of the file that is read
  /// What was written takes its place. It is not flushed: that is for the folder around it (write_folder).
  void finish();
  std::string hash() const { return hasher_.hex(); }

 private:
  std::filesystem::path path_;
  std::optional<Artifact> written_;
  int descriptor_ = -1;  // of what is read
  Hasher hasher_;
};

}  // namespace fewlabel
