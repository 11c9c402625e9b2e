#include "data/pixel_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/cancel.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json_text.h"
#include "core/user_folder.h"
#include "fewlabel/config.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr char kMagic[8] = {'f', 'l', 'p', 'i', 'x', 'e', 'l', '1'};
constexpr int64_t kLargestHeader = int64_t{64} << 20;
constexpr std::size_t kHashDigits = 32;

constexpr std::size_t kPiece = std::size_t{16} << 20;  // between two looks at whether to stop

/// The file and its hash, which ends it.
class HashedFile {
 public:
  explicit HashedFile(const fs::path& path) : file_(path, Durability::scratch) {}
  void add(const void* data, std::size_t size) {
    for (const auto* bytes = static_cast<const uint8_t*>(data); size > 0;) {
      stop_if_cancelled("data");
      const std::size_t piece = std::min(size, kPiece);
      file_.write(bytes, piece);
      hasher_.add(bytes, piece);
      bytes += piece;
      size -= piece;
    }
  }
  void finish() {
    file_.write(hasher_.hex());
    file_.finish();
  }

 private:
  Artifact file_;
  Hasher hasher_;
};

template <typename T>
bool get(std::ifstream& file, Hasher& hasher, T* data, std::size_t size) {
  for (auto* bytes = reinterpret_cast<char*>(data); size > 0 && file.good();) {
    stop_if_cancelled("data");
    const std::size_t piece = std::min(size, kPiece);
    file.read(bytes, static_cast<std::streamsize>(piece));
    hasher.add(bytes, piece);
    bytes += piece;
    size -= piece;
  }
  return file.good();
}

std::optional<DecodedPixels> read_entry(const fs::path& path, int64_t bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  Hasher hasher;
  char magic[sizeof(kMagic)];
  int64_t header_size = 0;
  if (!get(file, hasher, magic, sizeof(magic)) || std::memcmp(magic, kMagic, sizeof(kMagic)) != 0) return {};
  if (!get(file, hasher, &header_size, sizeof(header_size)) || header_size < 0 || header_size > kLargestHeader)
    return {};
  std::error_code failed;
  if (static_cast<int64_t>(fs::file_size(path, failed)) !=
          static_cast<int64_t>(sizeof(kMagic) + sizeof(header_size) + kHashDigits) + header_size + bytes ||
      failed)
    return {};
  std::string header(static_cast<std::size_t>(header_size), ' ');
  DecodedPixels decoded;
  decoded.pixels.resize(static_cast<std::size_t>(bytes));
  char digits[kHashDigits];
  if (!get(file, hasher, header.data(), header.size()) ||
      !get(file, hasher, decoded.pixels.data(), decoded.pixels.size()))
    return {};
  const std::string expected = hasher.hex();
  if (!file.read(digits, sizeof(digits)) || std::string_view(digits, sizeof(digits)) != expected) return {};
  for (const Json& damage : Json::parse(header))  // our own bytes, as the hash says
    decoded.damage.push_back({damage.at(0), {damage.at(1), damage.at(2)}});
  return decoded;
}

}  // namespace

std::optional<DecodedPixels> PixelCache::load(const std::string& key, int64_t bytes) const {
  const fs::path path = folder_ / key;
  auto decoded = read_entry(path, bytes);
  std::error_code ignored;
  if (decoded) fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);  // used last
  return decoded;
}

void PixelCache::store(const std::string& key, const DecodedPixels& decoded) const {
  const auto bytes = static_cast<int64_t>(decoded.pixels.size());
  if (bytes > limit_ / 2) return;
  std::error_code failed;
  fs::create_directories(folder_, failed);
  make_room(bytes);
  Json header = Json::array();
  for (const auto& [index, damage] : decoded.damage) header.push_back({index, damage.name, damage.reason});
  const std::string text = json_text(header);
  const auto header_size = static_cast<int64_t>(text.size());
  try {
    HashedFile file(folder_ / key);
    file.add(kMagic, sizeof(kMagic));
    file.add(&header_size, sizeof(header_size));
    file.add(text.data(), text.size());
    file.add(decoded.pixels.data(), decoded.pixels.size());
    file.finish();
  } catch (const Error& error) {  // nothing of it is left
    if (error.kind() != ErrorKind::storage) throw;
  }
}

void PixelCache::make_room(int64_t bytes) const {
  struct Entry {
    fs::file_time_type used;
    fs::path path;
    int64_t size;
  };
  std::vector<Entry> entries;
  int64_t total = bytes;
  std::error_code failed;
  for (const auto& file : fs::directory_iterator(folder_, failed)) {
    const auto size = static_cast<int64_t>(file.file_size(failed));
    if (failed) continue;
    entries.push_back({file.last_write_time(failed), file.path(), size});
    total += size;
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {
    if (total <= limit_) break;
    if (fs::remove(entry.path, failed)) total -= entry.size;
  }
}

fs::path cache_folder(const std::string& name) {
  const fs::path own = user_folder("XDG_CACHE_HOME", ".cache");
  return own.empty() ? own : own / name;
}

fs::path default_pixel_folder() { return cache_folder("pixels"); }

void add_file_stamp(Hasher& hasher, const std::string& path) {
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  const int64_t stamp[] = {there ? 1 : 0, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                           static_cast<int64_t>(status.st_ino)};
  hasher.add(path.c_str(), path.size() + 1);
  hasher.add(stamp, sizeof(stamp));
}

}  // namespace fewlabel
