// What frozen features are worth: nearest neighbours, a linear classifier, clusters; and reconstruction error.
// All are exact and deterministic. Nothing here trains a net.
#pragma once
#include <torch/torch.h>

#include <functional>
#include <vector>

#include "fewlabel/method.h"
#include "train/batches.h"

namespace fewlabel {

/// x: N × D, fp32; y: N, int64, from 0.
struct Features {
  Tensor x, y;
};

/// What a method sees in an image: Encoder::features, or those of a classifier's net; images are brought to where it
/// stands now. Empty when it is neither.
std::function<Tensor(const Tensor&)> feature_function(Method& method);

enum class Distance { cosine, euclidean };
struct KnnOptions {
  int64_t k = 10;
  Distance distance = Distance::cosine;
};
/// Majority among the k nearest of `known`; ties go to the class whose neighbours are nearer. int64, one for each row.
Tensor knn_classify(const Features& known, const Tensor& x, const KnnOptions& options = {});

/// Multinomial logistic regression on features standardised by `known`: mean cross-entropy + penalty / (2 N) ‖W‖², by
/// L-BFGS from zero (scikit-learn's LogisticRegression with C = 1 / penalty).
struct LinearOptions {
  double penalty = 1.0;
  int64_t iterations = 200;
};
Tensor linear_classify(const Features& known, const Tensor& x, const LinearOptions& options = {});

/// Share of `y` that `predicted` meets.
double share_equal(const Tensor& predicted, const Tensor& y);

struct ClusterOptions {
  int64_t clusters = 10, restarts = 3, iterations = 100;
  uint64_t seed = 0;
};
/// k-means++ and Lloyd's iterations, the restart with the smallest squared distance. int64, one for each row.
Tensor k_means(const Tensor& x, const ClusterOptions& options);
/// Accuracy under the best one-to-one assignment of clusters to classes (Kuhn and Munkres).
double cluster_accuracy(const Tensor& cluster, const Tensor& y);
/// The assignment of rows to columns of a square matrix with the largest sum: the column of each row.
std::vector<int64_t> best_assignment(const std::vector<std::vector<double>>& gain);

/// What `reconstructor` takes `x` for: on the CPU, wherever it works.
Tensor reconstructed(Reconstructor& reconstructor, const Tensor& x);
/// Mean squared error a pixel, pixels in [0, 1], of the examples `indices`.
double reconstruction_error(Reconstructor& reconstructor, const ExampleStore& store,
                            const std::vector<int64_t>& indices, const Normalization& rule);
/// Pixels in [0, 1] of normalised input.
Tensor to_pixels(const Tensor& x, const Normalization& rule);

}  // namespace fewlabel
