// Projectors, predictors and prototypes: what a joint-embedding method puts between a backbone and its loss.
#pragma once
#include <torch/torch.h>

#include <string_view>
#include <vector>

#include "fewlabel/net.h"

namespace fewlabel {

/// A hidden layer is linear, batch norm, ReLU; the last one is linear.
struct HeadPlan {
  std::vector<int64_t> sizes;  // in, hidden …, out
  bool norm = true;            // batch norm in the hidden layers
  bool norm_at_end = false;    // batch norm without scale and shift after the last layer (SimSiam)
  bool bias_at_end = true;
};

/// N × sizes.front() → N × sizes.back(), fp32.
class MlpHeadImpl : public torch::nn::Module {
 public:
  /// The weights come from (seed, purpose).
  MlpHeadImpl(HeadPlan plan, uint64_t seed, std::string_view purpose);
  Tensor forward(const Tensor& x);
  /// A copy with its own storage whose parameters take no gradient, in training mode.
  std::shared_ptr<MlpHeadImpl> frozen_copy() const;

 private:
  HeadPlan plan_;
  torch::nn::Sequential layers_;
};
TORCH_MODULE(MlpHead);

/// Cosines of N × D rows with K learnt directions: N × K, fp32. As a linear layer with weight norm of fixed scale
/// (DINO).
class PrototypesImpl : public torch::nn::Module {
 public:
  PrototypesImpl(int64_t dim, int64_t count, uint64_t seed);
  Tensor forward(const Tensor& z);
  std::shared_ptr<PrototypesImpl> frozen_copy() const;

 private:
  Tensor weight_;  // K × D
};
TORCH_MODULE(Prototypes);

/// x / ‖x‖ for each row, in fp32.
Tensor unit_rows(const Tensor& x);

}  // namespace fewlabel
