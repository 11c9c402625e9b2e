// Methods that learn a head of all examples at once, and change the net below it on the way.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "fewlabel/net.h"

namespace fewlabel {

/// A HeadLearner (fewlabel/method.h) that wants to see the examples themselves. After fit() the net is another one.
struct NetTuner {
  /// As a net's input, on the CPU, of examples by their places: those of the labelled pool come first, then those of
  /// the unlabelled one.
  using Examples = std::function<Tensor(const std::vector<int64_t>& places)>;
  virtual ~NetTuner() = default;
  /// To be called before fit(), with the examples of its pools.
  virtual void look_at(Examples examples) = 0;
};

}  // namespace fewlabel
