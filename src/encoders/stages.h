// Stages of convolutional nets as net.shape names them. Free of libtorch.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace fewlabel {

/// Blocks of one width.
struct StageSize {
  int64_t width, blocks;
};
/// "64-256x3-512x4-1024x6-2048x3-bottleneck": the stem's width, width x blocks of each stage, and the kind of block.
struct Stages {
  int64_t stem = 0;
  std::vector<StageSize> stages;
  std::string block;

  std::string text() const;
  /// Throws Error{usage}, with what was wanted.
  static Stages parse(const std::string& text);
};
inline constexpr int64_t kWidestStage = 1 << 14, kLongestStage = 200;
inline constexpr std::size_t kMostStages = 8;

}  // namespace fewlabel
