// Decoded pixels on disk, so that the second run on the same files starts at once. A cache and nothing more: whatever
// is wrong with it (damaged, unwritable, full) means that the images are decoded again.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fewlabel/dataset.h"

namespace fewlabel {

/// What decoding all examples of a source gave: pixels one after another, and the examples that were damaged.
struct DecodedPixels {
  std::vector<uint8_t> pixels;
  std::vector<std::pair<int64_t, Damage>> damage;
};

class PixelCache {
 public:
  /// `limit`: bytes of all entries together; those not used for longest go first.
  PixelCache(std::filesystem::path folder, int64_t limit) : folder_(std::move(folder)), limit_(limit) {}

  /// The entry, if it is there, whole, and of `bytes` bytes of pixels.
  std::optional<DecodedPixels> load(const std::string& key, int64_t bytes) const;
  /// Keeps it, unless it is more than half of the limit. Never throws for what the disk does.
  void store(const std::string& key, const DecodedPixels& decoded) const;

 private:
  void make_room(int64_t bytes) const;

  std::filesystem::path folder_;
  int64_t limit_;
};

/// $XDG_CACHE_HOME/fewlabel/NAME, else ~/.cache/fewlabel/NAME; empty where there is no home.
std::filesystem::path cache_folder(const std::string& name);
/// That of pixels.
std::filesystem::path default_pixel_folder();

/// Sources of files that take time to decode: what changes when the files do.
struct Fingerprinted {
  virtual ~Fingerprinted() = default;
  /// Hash over paths, sizes and times of change.
  virtual std::string fingerprint() const = 0;
};

class Hasher;
/// Adds path, size and time of change; a missing file counts as one of its own kind.
void add_file_stamp(Hasher& hasher, const std::string& path);

}  // namespace fewlabel
