#include "methods/common/align.h"

namespace fewlabel {

AlignmentImpl::AlignmentImpl(const ConsistencyConfig& config, const Task& task, int64_t features)
    : decay_(config.align_decay) {
  if (!config.align) return;
  const std::string align_to = features > 0 ? config.align_to : "labels";
  shares_ = register_module("shares", PoolShares(PoolSharesConfig{align_to, decay_}, task, features));
  average_ = register_module("average", RunningMean(shares_->value()));
}

Tensor AlignmentImpl::forward(const Tensor& p) {
  if (!shares_) return p;
  const Tensor aligned = p * (shares_->value() / average_->value().clamp_min(1e-6));
  average_->observe(p);
  return aligned / aligned.sum(1, /*keepdim=*/true);
}

void AlignmentImpl::updated() {
  if (!shares_) return;
  average_->move(decay_);
  shares_->updated();
}

}  // namespace fewlabel
