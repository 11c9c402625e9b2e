// A Gaussian with full covariance over the codes of the latest batches, so that an autoencoder can make images: draw a
// code, decode it. Mean and second moment are moving averages, so it follows the encoder as that learns.
#pragma once
#include <torch/torch.h>

#include "methods/common/running_mean.h"

namespace fewlabel {

class CodeDensityImpl : public torch::nn::Module {
 public:
  explicit CodeDensityImpl(int64_t size);
  /// codes: N × size; no gradient is kept.
  void observe(const Tensor& codes);
  /// To be called once per optimiser update.
  void updated();
  /// count × size; the same seed gives the same codes.
  Tensor sample(int64_t count, uint64_t seed) const;

 private:
  RunningMean mean_{nullptr}, second_moment_{nullptr};
};
TORCH_MODULE(CodeDensity);

}  // namespace fewlabel
