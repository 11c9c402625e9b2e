// Logits of a classifier over stored images.
#pragma once
#include <torch/torch.h>

#include <functional>
#include <vector>

#include "fewlabel/dataset.h"
#include "train/batches.h"

namespace fewlabel {

/// Per-channel mean and standard deviation over at most `sample` evenly spaced examples of `indices`.
Normalization measure_normalization(const ImageStore& store, const std::vector<int64_t>& indices,
                                    int64_t sample = 10000);

/// How many images of this shape a net is given at a time where none is learnt from: 250 small ones, so few large ones
/// that the answer takes no longer than somebody who pressed Ctrl-C waits.
int64_t images_at_a_time(const ImageShape& shape);

/// The class of the highest logit of each row.
std::vector<int64_t> best_classes(const Tensor& logits);

/// Logits (indices.size() × classes, fp32): `forward` is called on normalised slices, without gradients. The caller
/// puts modules into eval(). `slice`: images in one; 0: images_at_a_time(). Throws Error{interrupted or terminated}
/// when cancelled.
Tensor logits_of(const std::function<Tensor(const Tensor&)>& forward, const ImageStore& store,
                 const std::vector<int64_t>& indices, const Normalization& rule, int64_t slice = 0);

}  // namespace fewlabel
