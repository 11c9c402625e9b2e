#include "methods/common/perceptron.h"

#include "nets/initialise.h"

namespace fewlabel {

PerceptronImpl::PerceptronImpl(const PerceptronSpec& spec)
    : hidden1_(register_module("hidden1", torch::nn::Linear(spec.in, spec.hidden))),
      hidden2_(register_module("hidden2", torch::nn::Linear(spec.hidden, spec.hidden))),
      out_(register_module("out", torch::nn::Linear(spec.hidden, spec.out))) {
  initialise(*this, spec.seed, spec.purpose);
}

Tensor PerceptronImpl::forward(const Tensor& x) {
  return out_->forward(torch::softplus(hidden2_->forward(torch::softplus(hidden1_->forward(x)))));
}

}  // namespace fewlabel
