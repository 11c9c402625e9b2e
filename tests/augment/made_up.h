// Small images that are the same in every test and in scripts/golden/augment.py.
#pragma once
#include <cstdint>
#include <vector>

#include "fewlabel/image.h"

namespace fewlabel::test {

inline std::vector<uint8_t> made_up(const ImageShape& shape) {
  std::vector<uint8_t> out;
  auto state = static_cast<uint32_t>(shape.height * 65536 + shape.width * 256 + shape.channels);
  for (int y = 0; y < shape.height; ++y) {
    for (int x = 0; x < shape.width; ++x) {
      for (int c = 0; c < shape.channels; ++c) {
        state = state * 1664525u + 1013904223u;
        out.push_back(static_cast<uint8_t>(20 + 30 * c + (5 * x + 3 * y) % 100 + static_cast<int>(state >> 24) % 40));
      }
    }
  }
  return out;
}

inline uint64_t fnv1a(const std::vector<uint8_t>& bytes) {
  uint64_t value = 0xcbf29ce484222325u;
  for (const uint8_t byte : bytes) value = (value ^ byte) * 0x100000001b3u;
  return value;
}

}  // namespace fewlabel::test
