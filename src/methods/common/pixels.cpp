#include "methods/common/pixels.h"

#include "fewlabel/modality.h"

namespace fewlabel {
namespace {

Tensor per_channel(const std::vector<float>& values, float otherwise, int32_t channels) {
  if (values.empty()) return torch::full({1, channels, 1, 1}, otherwise);
  return torch::tensor(values).view({1, channels, 1, 1});
}

}  // namespace

PixelsImpl::PixelsImpl(const Task& task) {
  const Normalization rule = pixel_scale({task.layout, task.mean, task.deviation});
  mean_ = register_buffer("mean", per_channel(rule.mean, 0.0F, task.shape().channels));
  deviation_ = register_buffer("deviation", per_channel(rule.deviation, 1.0F, task.shape().channels));
}

}  // namespace fewlabel
