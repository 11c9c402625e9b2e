#include "data/sources/file_list.h"

#include "core/hash.h"
#include "data/decode/decode.h"

namespace fewlabel {

FileListSource::FileListSource(FileList files, std::vector<std::string> classes, int64_t max_pixels)
    : files_(std::move(files)), classes_(std::move(classes)), max_pixels_(max_pixels) {}

Image FileListSource::read_for(int64_t index, const ImageShape& target) const {
  return decode_image(name(index), encoded(index), {max_pixels_, target});
}

Bytes FileListSource::encoded(int64_t index) const { return read_bytes(files_.root / name(index), kMaxEncodedBytes); }

std::string FileListSource::fingerprint() const {
  Hasher hasher;
  for (int64_t i = 0; i < size(); ++i) add_file_stamp(hasher, (files_.root / name(i)).string());
  return hasher.hex();
}

}  // namespace fewlabel
