// Words that a thread has cut up before, with their tokens. Bounded: a full one begins anew.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modalities/text/tokenizer/model.h"

namespace fewlabel::tokenizing {

class WordCache {
 public:
  static constexpr std::size_t kLongestWord = 64;
  /// The cache of the calling thread for the model with this number; numbers are never reused.
  static WordCache& of(uint64_t model);

  /// Adds the tokens of a word to `parts`, by `model` where it was not met before.
  void tokenize(const Model& model, std::string_view word, std::vector<Part>& parts);

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 16, kMostWords = kSlots / 2, kMostParts = kSlots * 4;
  struct Slot {
    uint32_t hash = 0;
    uint32_t word = 0;
    uint32_t first = 0;  // of its parts
    uint16_t size = 0;   // of the word; 0: free
    uint16_t count = 0;  // of parts
  };
  void clear();

  uint64_t model_ = 0, used_ = 0;
  std::size_t words_ = 0;
  std::vector<Slot> slots_;
  std::string texts_;
  std::vector<Part> parts_;
};

}  // namespace fewlabel::tokenizing
