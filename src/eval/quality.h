// How good samples are, measured on features of some trained net. The figures depend on that net: name it beside them.
#pragma once
#include "fewlabel/net.h"

namespace fewlabel {

/// ‖μ_a - μ_b‖² + tr(Σ_a + Σ_b - 2 (Σ_a Σ_b)^½) of Gaussians fitted to the rows (Heusel et al. 2017, eq. 6). Both N ×
/// D, N of at least 2. It shrinks as N grows: compare figures of equal N only.
double frechet_distance(const Tensor& a, const Tensor& b);

struct PrecisionRecall {
  double precision = 0;  // share of the samples that lie within the real examples' neighbourhoods
  double recall = 0;     // share of the real examples that lie within the samples'
};
/// Kynkäänniemi et al. 2019: a neighbourhood is a ball that reaches the k-th nearest other row.
PrecisionRecall precision_recall(const Tensor& real, const Tensor& samples, int64_t k = 3);

}  // namespace fewlabel
