#include "methods/common/heads.h"

#include "nets/initialise.h"

namespace fewlabel {
namespace {

void copy_frozen(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto parameters = from.named_parameters(), buffers = from.named_buffers();
  for (auto& item : to.named_parameters()) {
    item.value().copy_(parameters[item.key()]);
    item.value().set_requires_grad(false);
  }
  for (auto& item : to.named_buffers()) item.value().copy_(buffers[item.key()]);
}

}  // namespace

MlpHeadImpl::MlpHeadImpl(HeadPlan plan, uint64_t seed, std::string_view purpose) : plan_(std::move(plan)) {
  const std::size_t count = plan_.sizes.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const int64_t in = plan_.sizes[i], out = plan_.sizes[i + 1];
    const bool last = i + 1 == count, norm = last ? plan_.norm_at_end : plan_.norm;
    // Batch norm takes away what a bias adds.
    const bool bias = !norm && (!last || plan_.bias_at_end);
    layers_->push_back(torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias)));
    if (norm) layers_->push_back(torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(out).affine(!last)));
    if (!last) layers_->push_back(torch::nn::ReLU());
  }
  register_module("layers", layers_);
  initialise(*this, seed, purpose);
}

Tensor MlpHeadImpl::forward(const Tensor& x) { return layers_->forward(x).to(torch::kFloat); }

std::shared_ptr<MlpHeadImpl> MlpHeadImpl::frozen_copy() const {
  auto copy = std::make_shared<MlpHeadImpl>(plan_, 0, "copy");
  copy_frozen(*this, *copy);
  return copy;
}

PrototypesImpl::PrototypesImpl(int64_t dim, int64_t count, uint64_t seed) {
  torch::nn::Linear drawn(torch::nn::LinearOptions(dim, count).bias(false));
  initialise(*drawn, seed, "prototypes");
  weight_ = register_parameter("weight", unit_rows(drawn->weight.detach()));
}

Tensor PrototypesImpl::forward(const Tensor& z) {
  return torch::linear(unit_rows(z), unit_rows(weight_)).to(torch::kFloat);
}

std::shared_ptr<PrototypesImpl> PrototypesImpl::frozen_copy() const {
  auto copy = std::make_shared<PrototypesImpl>(weight_.size(1), weight_.size(0), 0);
  copy_frozen(*this, *copy);
  return copy;
}

Tensor unit_rows(const Tensor& x) {
  return torch::nn::functional::normalize(x.to(torch::kFloat), torch::nn::functional::NormalizeFuncOptions().dim(1));
}

}  // namespace fewlabel
