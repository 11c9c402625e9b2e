#include "modalities/text/tokenizer/trie.h"

#include <algorithm>

namespace fewlabel::tokenizing {

Trie::Trie(std::vector<std::pair<std::string_view, int32_t>> keys) {
  std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  struct Range {
    uint32_t node;
    std::size_t begin, end, depth;
  };
  // Level by level, so that the children of a node lie together.
  std::vector<Range> level{{0, 0, keys.size(), 0}};
  for (std::size_t i = 0; i < level.size(); ++i) {
    const Range range = level[i];
    std::size_t at = range.begin;
    for (; at < range.end && keys[at].first.size() == range.depth; ++at)
      if (range.node != 0) nodes_[range.node].value = keys[at].second;
    nodes_[range.node].children = static_cast<uint32_t>(nodes_.size());
    while (at < range.end) {
      const char label = keys[at].first[range.depth];
      const std::size_t begin = at;
      while (at < range.end && keys[at].first[range.depth] == label) ++at;
      const auto node = static_cast<uint32_t>(nodes_.size());
      if (range.node == 0) first_[static_cast<unsigned char>(label)] = node;
      nodes_.emplace_back();
      labels_ += label;
      ++nodes_[range.node].count;
      level.push_back({node, begin, at, range.depth + 1});
    }
  }
}

}  // namespace fewlabel::tokenizing
