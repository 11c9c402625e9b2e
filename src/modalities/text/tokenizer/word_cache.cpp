#include "modalities/text/tokenizer/word_cache.h"

#include <algorithm>
#include <array>

#include "modalities/text/tokenizer/hash_map.h"

namespace fewlabel::tokenizing {

WordCache& WordCache::of(uint64_t model) {
  constexpr std::size_t kModels = 4;  // that a thread uses in turn; the one that rested longest makes room
  thread_local std::array<WordCache, kModels> caches;
  thread_local uint64_t clock = 0;
  auto found = std::find_if(caches.begin(), caches.end(), [model](const WordCache& c) { return c.model_ == model; });
  if (found == caches.end()) {
    found = std::min_element(caches.begin(), caches.end(),
                             [](const WordCache& a, const WordCache& b) { return a.used_ < b.used_; });
    found->clear();
    found->model_ = model;
  }
  found->used_ = ++clock;
  return *found;
}

void WordCache::clear() {
  slots_.assign(kSlots, Slot{});
  texts_.clear();
  parts_.clear();
  words_ = 0;
}

void WordCache::tokenize(const Model& model, std::string_view word, std::vector<Part>& parts) {
  if (word.size() > kLongestWord || word.empty()) {
    model.tokenize(word, parts);
    return;
  }
  const uint64_t full = hash_of(word);
  const auto hash = static_cast<uint32_t>(full >> 32);
  std::size_t at = static_cast<std::size_t>(full) & (kSlots - 1);
  for (; slots_[at].size != 0; at = (at + 1) & (kSlots - 1)) {
    const Slot& slot = slots_[at];
    if (slot.hash != hash || slot.size != word.size() || texts_.compare(slot.word, slot.size, word) != 0) continue;
    parts.insert(parts.end(), parts_.begin() + slot.first, parts_.begin() + slot.first + slot.count);
    return;
  }
  const std::size_t before = parts.size();
  model.tokenize(word, parts);
  if (words_ >= kMostWords || parts_.size() >= kMostParts) {
    clear();
    at = static_cast<std::size_t>(full) & (kSlots - 1);
  }
  slots_[at] = {hash, static_cast<uint32_t>(texts_.size()), static_cast<uint32_t>(parts_.size()),
                static_cast<uint16_t>(word.size()), static_cast<uint16_t>(parts.size() - before)};
  texts_ += word;
  parts_.insert(parts_.end(), parts.begin() + static_cast<std::ptrdiff_t>(before), parts.end());
  ++words_;
}

}  // namespace fewlabel::tokenizing
