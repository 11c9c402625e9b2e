#include "data/sources/file_list.h"

#include <algorithm>

#include "core/cancel.h"
#include "core/hash.h"
#include "data/decode/decode.h"

namespace fewlabel {

FileListSource::FileListSource(FileList files, std::vector<std::string> classes, int64_t max_pixels)
    : files_(std::move(files)), classes_(std::move(classes)), max_pixels_(max_pixels) {}

Image FileListSource::read_for(int64_t index, const ImageShape& target) const {
  return decode_image(name(index), encoded(index), {max_pixels_, target});
}

ImageShape FileListSource::header(int64_t index) const {
  constexpr int64_t kUsual = 64 << 10;  // holds the header of nearly every file
  const ByteFile file(files_.root / name(index));
  Bytes start(static_cast<std::size_t>(std::min(file.size(), kUsual)));
  file.read_at(0, start);
  try {
    return image_header(name(index), {start, file.size()}, max_pixels_);
  } catch (const Error& error) {
    if (file.size() <= kUsual || error.kind() != ErrorKind::data) throw;
  }
  const Bytes all = encoded(index);
  return image_header(name(index), {all, file.size()}, max_pixels_);
}

Bytes FileListSource::encoded(int64_t index) const { return read_bytes(files_.root / name(index), kMaxEncodedBytes); }

std::string FileListSource::fingerprint() const {
  Hasher hasher;
  for (int64_t i = 0; i < size(); ++i) {
    stop_if_cancelled("data");
    add_file_stamp(hasher, (files_.root / name(i)).string());
  }
  return hasher.hex();
}

}  // namespace fewlabel
