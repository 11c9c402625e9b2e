// Random pixels in memory, for tests of evaluation.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "fewlabel/dataset.h"
#include "fewlabel/image.h"
#include "fewlabel/random.h"

namespace fewlabel::testing {

class MemoryStore final : public ExampleStore {
 public:
  static constexpr ImageShape kShape{12, 12, 1};

  explicit MemoryStore(int64_t count) {
    Random random({.seed = 1, .purpose = "test"});
    for (int64_t i = 0; i < count * kShape.bytes(); ++i) pixels_.push_back(static_cast<uint8_t>(random.below(256)));
  }
  int64_t size() const override { return static_cast<int64_t>(pixels_.size()) / kShape.bytes(); }
  const Layout& layout() const override {
    static const Layout layout = kShape;
    return layout;
  }
  void fetch(int64_t index, uint8_t* out) const override {
    std::copy_n(pixels_.begin() + index * kShape.bytes(), kShape.bytes(), out);
  }
  std::vector<int64_t> damaged() const override { return {}; }
  const std::vector<Damage>& damage() const override { return damage_; }
  const std::string& content_hash() const override { return hash_; }

 private:
  std::vector<uint8_t> pixels_;
  std::vector<Damage> damage_;
  std::string hash_;
};

}  // namespace fewlabel::testing
