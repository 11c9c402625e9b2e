// Which words a classifier heeded.
#pragma once
#include <vector>

#include "fewlabel/net.h"
#include "train/batches.h"

namespace fewlabel {

/// Gradient × input (Shrikumar et al. 2016, arXiv:1605.01713) of each text's logit of a class: what a token's embedding
/// adds to it to first order, as a share of the largest of that text in magnitude, so -1 … 1. One list for each of
/// `indices`; of other kinds than texts they are empty.
std::vector<std::vector<float>> token_weights(NetModule& net, const ExampleStore& store,
                                              const std::vector<int64_t>& indices, const std::vector<int64_t>& classes,
                                              const Normalization& rule);

}  // namespace fewlabel
