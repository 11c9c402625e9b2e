// An estimate of accuracy where there is no test set: the labels are divided into folds, and for each fold the method
// is trained anew, shorter, without those labels, which then judge it. Nothing is chosen by it.
#pragma once
#include <string>
#include <vector>

#include "app/setup.h"
#include "fewlabel/config.h"
#include "fewlabel/net.h"

namespace fewlabel {

/// Unlabelled examples on which two models are compared.
inline constexpr int64_t kCompared = 2000;

/// Of one fold: {true, predicted} of its examples, and {compared}: the classes of the unlabelled ones.
Json fold_result(const Tensor& held_out_logits, const PreparedData& data, const std::vector<int64_t>& compared);

struct Estimate {
  double accuracy = 0, low = 0, high = 1;  // low and high: see estimate_of
  int64_t examples = 0;                    // labels held out in all
  double disagreement = 0;                 // between the folds' models and the run's own, on unlabelled examples
};
/// accuracy: of the folds' models on the labels held out, all folds together. low: of its Wilson interval (95 %).
/// high: of that interval plus the share of the unlabelled examples that the run's own model calls something else:
/// where two models agree they are right together, so that the longer training can be better by that share at most.
/// `own`: classes that the run's model gives the compared examples; may be empty.
Estimate estimate_of(const std::vector<Json>& folds, const std::vector<int64_t>& own);

}  // namespace fewlabel
