// Distribution alignment (ReMixMatch, Berthelot et al. 2020, arXiv:1911.09785, section 3.1), with a moving average in
// place of their window of 128 batches.
#pragma once
#include "fewlabel/method.h"
#include "methods/common/forward.h"
#include "methods/common/pool_shares.h"
#include "methods/common/running_mean.h"

namespace fewlabel {

class AlignmentImpl : public torch::nn::Module {
 public:
  /// features: numbers an example that come from the net, where the method hands its own to learn(); else 0, and
  /// align_to = learnt is align_to = labels.
  AlignmentImpl(const ConsistencyConfig& config, const Task& task, int64_t features = 0);
  /// p ← normalise(p · π / p̃), π the shares aimed at, p̃ the average prediction so far; p itself when alignment is off.
  /// N × C.
  Tensor forward(const Tensor& p);
  /// These three as of PoolShares; with alignment off, ones (or p itself), the logits and what counted as they are.
  Tensor over_ratio(const Tensor& p) const { return shares_ ? p / shares_->ratio() : p; }
  Tensor adjusted(const Tensor& logits) const { return shares_ ? shares_->adjusted(logits) : logits; }
  Tensor weigh(const SharesEvidence& evidence, Step& step) {
    return shares_ ? shares_->weigh(evidence, step) : evidence.kept;
  }
  /// To be called once per optimiser update.
  void updated();

 private:
  double decay_;
  PoolShares shares_{nullptr};  // none when alignment is off
  RunningMean average_{nullptr};
};
TORCH_MODULE(Alignment);

}  // namespace fewlabel
