// IDX, the format of MNIST: a big-endian header (magic, counts), then the values. http://yann.lecun.com/exdb/mnist/
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/text.h"
#include "data/sources/records.h"
#include "data/sources/roles.h"
#include "data/sources/sources.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr uint8_t kUnsignedByte = 0x08, kSignedByte = 0x09;

struct Header {
  uint8_t type = 0;
  std::vector<int64_t> sizes;
  int64_t bytes() const { return 4 + 4 * static_cast<int64_t>(sizes.size()); }
};

std::optional<Header> parse_header(const Bytes& bytes) {
  if (bytes.size() < 8 || bytes[0] != 0 || bytes[1] != 0) return {};
  const std::size_t count = bytes[3];
  if (count < 1 || count > 4 || bytes.size() < 4 + 4 * count) return {};
  Header header{bytes[2], {}};
  for (std::size_t d = 0; d < count; ++d) {
    int64_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size = size << 8 | bytes[4 + 4 * d + i];
    header.sizes.push_back(size);
  }
  return header;
}

Bytes first_bytes(const fs::path& path) {
  if (is_gzip(path)) return gunzip_prefix(path, 20);
  const ByteFile file(path);
  Bytes bytes(static_cast<std::size_t>(std::min<int64_t>(file.size(), 20)));
  file.read_at(0, bytes);
  return bytes;
}

Header read_header(const fs::path& path, std::size_t least, std::size_t most) {
  const auto header = parse_header(first_bytes(path));
  if (!header) throw_data(path.string(), "is not an IDX file: its header is cut short or has the wrong magic number");
  if ((header->type != kUnsignedByte && header->type != kSignedByte) || header->sizes.size() < least ||
      header->sizes.size() > most)
    throw_data(path.string(),
               fmt::format("holds type 0x{:02x} in {} dimensions; wanted bytes (0x08) in {}", header->type,
                           header->sizes.size(), most == 1 ? "1 (labels)" : "3 or 4 (images)"));
  return *header;
}

RecordBlock open_images(const fs::path& path, int64_t max_pixels) {
  const Header header = read_header(path, 3, 4);
  const auto& n = header.sizes;
  const int64_t channels = n.size() == 4 ? n[3] : 1;
  check_pixels(path.string(), n[1], n[2], max_pixels);
  RecordBlock block;
  block.name = path.filename().string();
  block.count = n[0];
  block.shape = {static_cast<int32_t>(n[1]), static_cast<int32_t>(n[2]),
                 static_cast<int32_t>(std::min<int64_t>(channels, 255))};
  check_record_shape(path.string(), block.shape, max_pixels);
  block.offset = header.bytes();
  block.stride = block.shape.bytes();
  const int64_t total = block.offset + block.count * block.stride;  // at most 2^32 · 2^28 · 4, inside 63 bits
  if (is_gzip(path)) {
    block.memory = std::make_shared<Bytes>(gunzip_exactly(path, total));
  } else {
    block.file = std::make_shared<ByteFile>(path);
    if (block.file->size() != total)
      throw_data(path.string(), fmt::format("has {} bytes where its header promises {}", block.file->size(), total),
                 "fetch the file again");
  }
  return block;
}

std::vector<int32_t> read_labels(const fs::path& path, int64_t count) {
  const Header header = read_header(path, 1, 1);
  if (header.sizes[0] != count)
    throw_data(path.string(), fmt::format("has {} labels for {} images", header.sizes[0], count));
  const int64_t total = header.bytes() + count;
  const Bytes bytes = is_gzip(path) ? gunzip_exactly(path, total) : read_bytes(path, total);
  if (static_cast<int64_t>(bytes.size()) != total)
    throw_data(path.string(), fmt::format("has {} bytes where its header promises {}", bytes.size(), total));
  std::vector<int32_t> labels;
  labels.reserve(static_cast<std::size_t>(count));
  for (std::size_t i = static_cast<std::size_t>(header.bytes()); i < bytes.size(); ++i) {
    const int32_t label = header.type == kSignedByte ? static_cast<int8_t>(bytes[i]) : bytes[i];
    labels.push_back(std::max(label, kUnlabeled));
  }
  return labels;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  if (const auto at = text.rfind(from); at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

std::string without_gz(const std::string& name) {
  return name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
}

bool is_images_name(const std::string& name) {
  return name.find("images") != std::string::npos && name.find("idx") != std::string::npos;
}

/// The labels that belong to an images file, compressed or not.
std::optional<fs::path> labels_beside(const fs::path& images) {
  std::string name = replaced(replaced(images.filename().string(), "images", "labels"), "idx3", "idx1");
  name = replaced(name, "idx4", "idx1");
  if (name == images.filename().string()) return {};
  const std::string bare = without_gz(name);
  for (const auto& candidate : {name, bare, bare + ".gz"})
    if (fs::exists(images.parent_path() / candidate)) return images.parent_path() / candidate;
  return {};
}

RecordBlock open_pair(const fs::path& images, int64_t max_pixels) {
  RecordBlock block = open_images(images, max_pixels);
  if (const auto labels = labels_beside(images)) block.labels = read_labels(*labels, block.count);
  return block;
}

/// EMNIST comes as six datasets in one folder; their labels mean different things.
void refuse_several(const std::string& where, const std::map<std::string, fs::path>& files) {
  std::map<std::string, std::string> first;  // of the files of each dataset
  for (const auto& [name, path] : files)
    if (role_in_name(path.string(), name) != Role::unlabeled) first.try_emplace(without_roles(name), name);
  if (first.size() < 2) return;
  throw_data(where, fmt::format("holds several datasets: {} beside {}", first.begin()->second, first.rbegin()->second),
             "give the files of one: data=FOLDER/…train-images… data.test=FOLDER/…test-images…");
}

}  // namespace

bool is_idx_file(const fs::path& file) {
  const auto header = parse_header(first_bytes(file));
  return header && (header->type == kUnsignedByte || header->type == kSignedByte);
}

bool is_idx_folder(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_images_name(name) && !name.starts_with(".") && entry.is_regular_file()) return true;
  }
  return false;
}

Opened open_idx(const OpenRequest& request) {
  RecordSplits splits;
  if (fs::is_directory(request.path)) {
    std::map<std::string, fs::path> files;  // by name without .gz
    for (const auto& entry : fs::directory_iterator(request.path)) {
      const std::string name = entry.path().filename().string();
      if (!is_images_name(name) || name.starts_with(".")) continue;
      const std::string plain = without_gz(name);
      if (const auto [place, fresh] = files.try_emplace(plain, entry.path()); !fresh)
        throw_data(request.path.string(), fmt::format("holds both {} and {}.gz", plain, plain), "keep one of them");
    }
    refuse_several(request.path.string(), files);
    for (const auto& [name, path] : files) {
      const Role role = role_in_name(path.string(), name).value_or(Role::train);
      auto& blocks = splits.of(role);
      blocks.push_back(open_pair(path, request.options.max_pixels));
      if (role == Role::unlabeled) blocks.back().labels.clear();
    }
    if (splits.train.empty()) throw_data(request.path.string(), "has test images but no train-images IDX file");
  } else {
    splits.train.push_back(open_pair(request.path, request.options.max_pixels));
  }
  return open_records(std::move(splits), request.classes, request.path.string());
}

}  // namespace fewlabel
