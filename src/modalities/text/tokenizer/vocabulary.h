// Tokens and their ids.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modalities/text/tokenizer/reading.h"

namespace fewlabel::tokenizing {

class Vocabulary {
 public:
  Vocabulary() : slots_(64, -1) {}
  /// The object "vocab" of a model: token to id. Throws Error{storage} where it is too large or unsound.
  static Vocabulary read(const JsonPart& part);

  /// A token that is there already gets another id; an id that is taken names the last token it was given.
  void add(std::string_view token, int32_t id);
  std::optional<int32_t> id(std::string_view token) const;
  /// "" where no token has the id.
  std::string_view token(int32_t id) const;
  bool has(int32_t id) const;
  /// Tokens, and one more than the largest id.
  int32_t count() const { return count_; }
  int32_t ids() const { return static_cast<int32_t>(by_id_.size()); }

 private:
  struct Entry {
    uint32_t begin, size;
    int32_t id;
  };
  std::string_view text(const Entry& entry) const { return std::string_view(texts_).substr(entry.begin, entry.size); }
  std::size_t find(std::string_view token) const;

  std::string texts_;  // all tokens, one after the other
  std::vector<Entry> entries_;
  std::vector<int32_t> slots_;  // of a hash table: which entry; -1 none
  std::vector<int32_t> by_id_;  // which entry; -1 none
  int32_t count_ = 0;
};

}  // namespace fewlabel::tokenizing
