// The weights that modules start from, for nets and for what methods build themselves.
#pragma once
#include <torch/torch.h>

#include <string_view>

#include "fewlabel/net.h"

namespace fewlabel {

/// A linear layer that `initialise` starts with Glorot's variance, 2 / (in + out), as transformers do.
class GlorotLinearImpl : public torch::nn::LinearImpl {
 public:
  using torch::nn::LinearImpl::LinearImpl;
};
TORCH_MODULE(GlorotLinear);

/// Sets every weight from (seed, purpose, its position). Convolutions: normal with variance 2 / (k² out), He et al.
/// 2015 and FixMatch's authors; hidden linear layers: 2 / in; the head: 2 / (in + out), Glorot and Bengio 2010;
/// embeddings: 1 / their size, so that a row has about the length 1; batch and layer norm 1 and 0; biases 0. What a
/// method builds beside a net takes another purpose, so that the draws differ. May be called in the module's own
/// constructor.
void initialise(torch::nn::Module& module, uint64_t seed, std::string_view purpose = "init");

/// Lays the weights of convolutions out as the fast kernels want them.
void channels_last(torch::nn::Module& module);

}  // namespace fewlabel
