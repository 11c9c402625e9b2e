// The class shares of the unlabelled pool: those of the labels, those that the user knows, or learnt on the way.
//
// Learnt: a linear head on the net's features learns from the labels alone, so that no pseudo-label confirms itself.
// From its predictions on the unlabelled examples expectation maximisation finds their shares (Saerens et al., Neural
// Computation 14, 2002; the head's predictions as the black box of Lipton et al., ICML 2018,
// https://arxiv.org/abs/1802.03916). An estimate is never quite the labels' shares, even where the pool's are: it is
// drawn towards them as James and Stein do, by as much as the errors of a classifier with so few labels explain.
#pragma once
#include <string>

#include "fewlabel/method.h"
#include "methods/common/running_mean.h"

namespace fewlabel {

/// Features of the labelled examples and of the weak views of the unlabelled ones: N × D. Nothing should be learnt from
/// the latter.
struct Features {
  Tensor x, u_weak;
};

/// What a step knows: labels (int64), and the pseudo-labels (int64) with what each counts (float, 0 to 1).
struct SharesEvidence {
  Features features;
  Tensor y, pseudo_label, kept;
};

struct PoolSharesConfig {
  std::string align_to = "labels";  // or learnt
  double decay = 0.999;             // of the moving averages
};

/// The field `align_to` of a method's config.
void align_to_field(FieldVisitor& field, std::string& align_to);

class PoolSharesImpl : public torch::nn::Module {
 public:
  /// features: numbers an example that come from the net. Task::pool_share goes before what the config says.
  PoolSharesImpl(const PoolSharesConfig& config, const Task& task, int64_t features);

  /// π, the shares to align with: C, sums to 1. Changed in place by updated().
  const Tensor& value() const { return value_; }
  /// π over the labels' shares: C.
  Tensor ratio() const { return moves_ ? value_ / labels_ : torch::ones_like(labels_); }
  /// For a loss against pseudo-labels that are spread as π says: logits + log(π / h), so that the head learns the
  /// shares h instead of π (logit adjustment, Menon et al., ICLR 2021, https://arxiv.org/abs/2007.07314). h is the
  /// flattest on the way from the labels' shares to π, since nobody knows the shares of what will be predicted: the
  /// labels' where these are equal. The logits themselves where π is the labels'. N × C.
  Tensor adjusted(const Tensor& logits) const;
  /// Observes a micro-batch, and logs. Returns what each pseudo-label should count: as much as it did, less where the
  /// labels-only head contradicts (see docs/training.md). N.
  Tensor weigh(const SharesEvidence& evidence, Step& step);
  /// To be called once per optimiser update.
  void updated();

 private:
  Tensor adjustment() const;

  bool learns_, moves_;
  double decay_, noise_ = 0, judged_from_ = 0;
  Tensor labels_, value_, adjustment_, trust_, moved_, updates_;
  Tensor head_, velocity_;  // (D + 1) × C: weights of the labels-only head, the last row its biases
  RunningMean gradient_{nullptr}, scale_{nullptr}, estimate_{nullptr}, contradiction_{nullptr};
};
TORCH_MODULE(PoolShares);

/// Task::class_share as a float tensor; uniform where the task does not say.
Tensor class_share(const Task& task);

}  // namespace fewlabel
