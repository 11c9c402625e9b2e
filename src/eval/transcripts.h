// From what a net says of each frame of a recording to a transcript, and how far that is from the truth. Free of
// libtorch.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel {

/// What a transcript differs in from the truth.
struct Mistakes {
  int64_t substituted = 0, deleted = 0, inserted = 0;
  int64_t length = 0;  // of the truth
  int64_t count() const { return substituted + deleted + inserted; }
  Mistakes& operator+=(const Mistakes& other);
  /// Per unit of the truth; may be above 1. 0 where both are empty.
  double rate() const;
};
/// By words (runs of what is no space) and by characters (code points; runs of spaces count as one, none at the ends).
Mistakes word_mistakes(std::string_view truth, std::string_view said);
Mistakes character_mistakes(std::string_view truth, std::string_view said);

/// The code points of UTF-8 text; a byte that is none stands for itself.
std::vector<std::string> characters(std::string_view text);

}  // namespace fewlabel
