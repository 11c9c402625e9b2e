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

/// Of answers to the views of one example after another, so many each: the mean of each example's.
Tensor means_of_parts(const Tensor& answers, const std::vector<int64_t>& parts);

/// Logits (indices.size() × classes, fp32): `forward` is called on normalised slices, without gradients. The caller
/// puts modules into eval(). `slice`: examples in one; 0: examples_at_a_time(). Throws Error{interrupted or terminated}
/// when cancelled.
Tensor logits_of(const std::function<Tensor(const Tensor&)>& forward, const ExampleStore& store,
                 const std::vector<int64_t>& indices, const Normalization& rule, int64_t slice = 0);

}  // namespace fewlabel
