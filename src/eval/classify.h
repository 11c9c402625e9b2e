// Logits of a classifier over stored examples.
#pragma once
#include <torch/torch.h>

#include <functional>
#include <vector>

#include "fewlabel/dataset.h"
#include "train/batches.h"

namespace fewlabel {

/// How many examples a net is given at a time where none is learnt from: 250 small ones, so few large ones that the
/// answer takes no longer than somebody who pressed Ctrl-C waits.
int64_t examples_at_a_time(const Layout& layout);

/// The class of the highest logit of each row.
std::vector<int64_t> best_classes(const Tensor& logits);

/// What a net answers to examples that take one view or several to see: the mean of each one's, one row an example.
class PooledAnswers {
 public:
  /// `answer` gets views of `layout` one after another, at most `slice`; 0: examples_at_a_time().
  PooledAnswers(std::function<Tensor(const uint8_t* views, int64_t count)> answer, const Layout& layout,
                int64_t slice = 0);
  /// The next example. `see` writes one of its parts, layout.bytes() bytes.
  void add(int64_t parts, const std::function<void(int64_t part, uint8_t* out)>& see);
  /// Of all that were added, fp32 on the CPU.
  Tensor finish();

 private:
  void flush();

  std::function<Tensor(const uint8_t*, int64_t)> answer_;
  std::size_t bytes_, room_, filled_ = 0;
  std::vector<uint8_t> views_;
  std::vector<int64_t> parts_;  // of each example
  std::vector<Tensor> answers_;
};

/// Logits (indices.size() × classes, fp32): `forward` is called on normalised slices, without gradients. The caller
/// puts modules into eval(). `slice`: examples in one; 0: examples_at_a_time(). Throws Error{interrupted or terminated}
/// when cancelled.
Tensor logits_of(const std::function<Tensor(const Tensor&)>& forward, const ExampleStore& store,
                 const std::vector<int64_t>& indices, const Normalization& rule, int64_t slice = 0);

}  // namespace fewlabel
