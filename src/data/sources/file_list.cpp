#include "data/sources/file_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/cancel.h"
#include "core/hash.h"
#include "data/sources/encoding.h"
#include "fewlabel/error.h"

namespace fewlabel {

void need_no_classes(const OpenRequest& request) {
  // A test set is opened with the classes of its training set.
  if (request.classes.empty() || request.classes == std::vector<std::string>{kTranscribed}) return;
  throw Error(ErrorKind::usage, "data.classes", "transcripts are of no class",
              "leave it out, or say data.target=class");
}

std::string Span::fragment() const {
  if (begin == 0 && end == 0) return {};
  return end > 0 ? fmt::format("#t={:g},{:g}", begin, end) : fmt::format("#t={:g}", begin);
}

FileListSource::FileListSource(FileList files, std::vector<std::string> classes)
    : files_(std::move(files)), classes_(std::move(classes)) {}

Raw FileListSource::raw(int64_t index) const {
  if (files_.kind == Kind::audio) {
    const Span part = span(index);
    return {.bytes = {}, .file = path(index).string(), .begin = part.begin, .end = part.end};
  }
  if (files_.kind != Kind::text) return {read_bytes(path(index), kMaxEncodedBytes)};
  const std::string text = read_text(path(index), kLongestText, files_.encoding);
  return {{text.begin(), text.end()}};
}

Raw FileListSource::head(int64_t index) const {
  if (files_.kind != Kind::image) return raw(index);
  constexpr int64_t kUsual = 64 << 10;  // holds the header of nearly every file
  const ByteFile file(path(index));
  Raw start{Bytes(static_cast<std::size_t>(std::min(file.size(), kUsual))), {}, file.size()};
  file.read_at(0, start.bytes);
  return start;
}

std::string FileListSource::fingerprint() const {
  Hasher hasher;
  for (int64_t i = 0; i < size(); ++i) {
    stop_if_cancelled("data");
    add_file_stamp(hasher, path(i).string());
    const std::string part = span(i).fragment();
    hasher.add(part.data(), part.size());
  }
  return hasher.hex();
}

}  // namespace fewlabel
