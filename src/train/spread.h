// How far embeddings have collapsed: the measure behind the monitor of training and the figures of a finished run.
#pragma once
#include "fewlabel/net.h"

namespace fewlabel {

struct Spread {
  Tensor spread;  // 1 where the embeddings fill the sphere evenly, 0 where all are the same
  Tensor rank;    // directions they use: exp of the entropy of the covariance's spectrum
};
/// z: N × D, N of at least 2; directions alone count, lengths do not. On the CPU, in double.
Spread measure_spread(const Tensor& z);

}  // namespace fewlabel
