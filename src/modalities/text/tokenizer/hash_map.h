// Hash tables without an allocation a key: what encoding and learning spend their time in.
#pragma once
#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL  // keys are short: a call would cost as much as the hash
#endif
#include <xxhash.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace fewlabel::tokenizing {

inline uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

/// From 64-bit keys (never all bits set) to values; grows, forgets nothing.
template <typename Value>
class KeyMap {
 public:
  explicit KeyMap(std::size_t expected = 16) {
    std::size_t size = 32;
    while (size < 2 * expected) size *= 2;
    slots_.resize(size);
  }
  std::size_t size() const { return count_; }

  const Value* find(uint64_t key) const {
    for (std::size_t at = place(key);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].key == key) return &slots_[at].value;
      if (slots_[at].key == kNone) return nullptr;
    }
  }
  /// The value of a key, a new one where it was not there.
  Value& operator[](uint64_t key) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    for (std::size_t at = place(key);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].key == key) return slots_[at].value;
      if (slots_[at].key == kNone) {
        slots_[at].key = key;
        ++count_;
        return slots_[at].value;
      }
    }
  }
  template <typename Visit>
  void each(const Visit& visit) {
    for (Slot& slot : slots_)
      if (slot.key != kNone) visit(slot.key, slot.value);
  }
  void clear() {
    slots_.assign(32, Slot{});
    count_ = 0;
  }

 private:
  static constexpr uint64_t kNone = ~uint64_t{0};
  struct Slot {
    uint64_t key = kNone;
    Value value{};
  };
  std::size_t place(uint64_t key) const {
    const uint64_t mixed = (key ^ key >> 32) * 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(mixed >> 20) & (slots_.size() - 1);
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.key == kNone) continue;
      std::size_t at = place(slot.key);
      while (slots_[at].key != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = std::move(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace fewlabel::tokenizing
