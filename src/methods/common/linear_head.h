// Linear classifiers of features that stay as they are, and what they are fitted by. What is handed out is fitted in
// fp64: with a handful of labels the solver runs to the very bottom, where fp32 would leave the last digits to chance.
#pragma once
#include <torch/torch.h>

#include "fewlabel/method.h"

namespace fewlabel {

/// logits = x weightᵀ + bias.
struct LinearHead {
  Tensor weight;  // C × D
  Tensor bias;    // C
  Tensor logits(const Tensor& x) const { return x.mm(weight.t()) + bias; }
};

/// How features are brought to mean 0 and to the length 1: each, or, where the net's head does not do so, in the mean.
/// All columns by one factor: to give each the same deviation cost spoken digits one point of 95 and questions two
/// of 74.
struct FeatureScale {
  Tensor mean, factor;  // D, fp64; the factor brings the length to about √D
  bool unit;
  FeatureScale(const Tensor& rows, bool unit);
  Tensor operator()(const Tensor& x) const;
};

/// What a logistic regression learns: targets are rows of probabilities, N × C, each counted `weight` (N) times.
struct SoftLabels {
  Tensor x, target, weight;  // all of one type
};
struct Solver {
  int64_t iterations = 300;
  double tolerance = 1e-6;            // of the gradient's largest part, of the mean over examples
  const LinearHead* start = nullptr;  // null: zero
};
/// min Σᵢ wᵢ CE(targetᵢ, softmax(W xᵢ + b)) + ‖W‖² / (2 c) by L-BFGS: scikit-learn's LogisticRegression(C = c) where
/// targets are labels. In the type of x. Throws Error{interrupted or terminated} when cancelled.
LinearHead fit_logistic(const SoftLabels& labels, double c, const Solver& solver = {});

/// y as rows of 0 and 1, fp64.
Tensor label_rows(const Tensor& y, int64_t classes);
/// x / ‖x‖ for each row, in its own type.
Tensor rows_of_length_one(const Tensor& x);

}  // namespace fewlabel
