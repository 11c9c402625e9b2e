// A multilayer perceptron with two hidden layers, as the nets of variational autoencoders in their papers.
#pragma once
#include <torch/torch.h>

#include <string_view>

#include "fewlabel/net.h"

namespace fewlabel {

struct PerceptronSpec {
  int64_t in = 0, hidden = 0, out = 0;
  uint64_t seed = 0;  // of the weights, with the purpose
  std::string_view purpose = "perceptron";
};

/// N × in → N × out. Softplus between the layers.
class PerceptronImpl : public torch::nn::Module {
 public:
  explicit PerceptronImpl(const PerceptronSpec& spec);
  Tensor forward(const Tensor& x);

 private:
  torch::nn::Linear hidden1_, hidden2_, out_;
};
TORCH_MODULE(Perceptron);

}  // namespace fewlabel
