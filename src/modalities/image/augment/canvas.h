// The pixels of one example while the steps of a policy work on them: two buffers that take turns, so that a step never
// allocates and never overwrites what it still reads.
#pragma once
#include <cstdint>
#include <cstring>

#include "fewlabel/image.h"

namespace fewlabel::augment {

class Canvas {
 public:
  /// All three buffers hold shape.bytes() bytes and do not overlap; `in` is never written.
  Canvas(const uint8_t* in, const ImageShape& shape, uint8_t* out, uint8_t* scratch)
      : shape_(shape), current_(in), in_(in), out_(out), scratch_(scratch) {}

  const ImageShape& shape() const { return shape_; }
  int64_t row_bytes() const { return int64_t{shape_.width} * shape_.channels; }
  const uint8_t* pixels() const { return current_; }

  /// Where an element-wise step writes: the pixels themselves, or a copy's place while they are still the input.
  uint8_t* target() { return current_ == in_ ? out_ : const_cast<uint8_t*>(current_); }
  /// Where a step writes that reads neighbours: never the pixels.
  uint8_t* spare() { return current_ == out_ ? scratch_ : out_; }
  /// The pixels are now what was written to target() or spare().
  void show(const uint8_t* written) { current_ = written; }

  /// Leaves the result in `out`.
  void finish() {
    if (current_ != out_) std::memcpy(out_, current_, static_cast<std::size_t>(shape_.bytes()));
  }

 private:
  ImageShape shape_;
  const uint8_t* current_;
  const uint8_t* in_;
  uint8_t *out_, *scratch_;
};

/// This thread's scratch memory, `bytes` long at least; it keeps growing and is never freed before the thread ends.
/// Each `purpose` (0 … 3) has its own.
uint8_t* scratch(int purpose, int64_t bytes);

}  // namespace fewlabel::augment
