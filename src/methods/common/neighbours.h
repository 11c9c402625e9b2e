// Which examples see the most of themselves in which others.
#pragma once
#include <torch/torch.h>

#include <utility>

#include "fewlabel/net.h"

namespace fewlabel {

/// The k nearest by cosine of each of N rows, itself left out.
struct Neighbours {
  Tensor index;   // N × k, int64
  Tensor cosine;  // N × k, fp64, not below 0
};
/// In fp32 but for the sums. Throws Error{interrupted or terminated} when cancelled.
Neighbours nearest(const Tensor& rows, int64_t k);

/// A symmetric graph: half the weight of each edge to either end.
class Graph {
 public:
  /// `weight`: of each of index' edges, N × k.
  Graph(Tensor index, Tensor weight) : index_(std::move(index)), weight_(std::move(weight)) {}
  /// The adjacency matrix times N × C.
  Tensor times(const Tensor& values) const;
  /// With weights divided by the roots of both ends' degrees.
  Graph normalised() const;

 private:
  Tensor index_, weight_;
};

}  // namespace fewlabel
