// A trie over bytes: which of many keys does a text begin with?
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fewlabel::tokenizing {

class Trie {
 public:
  static constexpr int32_t kNone = -1;
  Trie() = default;
  /// Of equal keys the last one's value counts. Empty keys are never found.
  explicit Trie(std::vector<std::pair<std::string_view, int32_t>> keys);

  bool empty() const { return nodes_.size() <= 1; }
  /// Calls found(size, value) for each key that the text begins with, shortest first.
  template <typename Found>
  void prefixes(std::string_view text, const Found& found) const {
    uint32_t node = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      node = child(node, text[at]);
      if (node == 0) return;
      if (nodes_[node].value != kNone) found(at + 1, nodes_[node].value);
    }
  }
  /// The node behind `byte`, 0 where there is none; the root is 0.
  uint32_t child(uint32_t node, char byte) const {
    if (node == 0) return first_[static_cast<unsigned char>(byte)];
    const Node& from = nodes_[node];
    if (from.count == 0) return 0;
    const void* place = std::memchr(labels_.data() + from.children, byte, from.count);
    return place == nullptr ? 0 : static_cast<uint32_t>(static_cast<const char*>(place) - labels_.data());
  }
  int32_t value(uint32_t node) const { return nodes_[node].value; }

 private:
  struct Node {
    uint32_t children = 0;  // the first one; all lie together
    uint32_t count = 0;
    int32_t value = kNone;
  };
  std::vector<Node> nodes_{1};
  std::string labels_{'\0'};  // the byte that leads to each node
  uint32_t first_[256] = {};  // the root's children
};

}  // namespace fewlabel::tokenizing
