// What a net that stays as it is makes of examples: computed once, kept on disk for the next run. By content, so that
// a label more, a file renamed or another order costs nothing.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/pixel_cache.h"
#include "train/batches.h"

namespace fewlabel {

/// XXH3-128 of all that a net remembers, but for its head.
std::string backbone_hash(const NetModule& net);

/// Where each of `indices` stands in `sorted`, which has them all.
Tensor places_in(const std::vector<int64_t>& sorted, const std::vector<int64_t>& indices);

/// Used from one thread.
class FeatureBank {
 public:
  /// `folder`: where features are kept, in files of together no more than `limit` bytes; empty: in memory alone.
  FeatureBank(std::filesystem::path folder, int64_t limit);
  /// default_feature_folder().
  FeatureBank();

  struct Question {
    Net net;             // in evaluation mode
    std::string hash;    // backbone_hash() of it
    Normalization rule;  // how examples become its input
  };
  /// indices.size() × D, fp32, on the CPU. In pieces, each of which is kept as soon as it is there: who is stopped and
  /// comes back goes on there. Throws Error{interrupted or terminated} when cancelled.
  Tensor rows(const Question& question, const ExampleStore& store, const std::vector<int64_t>& indices);

 private:
  Tensor piece(const Question& question, const ExampleStore& store, const std::vector<int64_t>& indices);

  PixelCache cache_;
  bool on_disk_;
  std::map<std::string, Tensor> kept_;  // by what decides them
  int64_t kept_bytes_ = 0;
};

/// $XDG_CACHE_HOME/fewlabel/features, else ~/.cache/fewlabel/features; empty where there is no home.
std::filesystem::path default_feature_folder();

}  // namespace fewlabel
