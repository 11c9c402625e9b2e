// Counts the arithmetic of convolutions and matrix products while it lives, by plain sums: 2 FLOP for each product that
// the textbook algorithm needs, whatever the kernel that computes them does. All threads; one at a time.
#pragma once
#include <cstdint>

namespace fewlabel {

struct Arithmetic {
  int64_t flop = 0;
  int64_t bytes = 0;  // of what these operations read and write at least: their inputs and outputs, once each
};

class ArithmeticCount {
 public:
  ArithmeticCount();
  ~ArithmeticCount();
  ArithmeticCount(const ArithmeticCount&) = delete;
  ArithmeticCount& operator=(const ArithmeticCount&) = delete;
  Arithmetic so_far() const;

 private:
  uint64_t handle_;
};

}  // namespace fewlabel
