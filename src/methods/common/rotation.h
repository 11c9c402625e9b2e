// A task that needs no labels beside a semi-supervised loss: by how many quarter turns was an image rotated?
// Gidaris et al., ICLR 2018, https://arxiv.org/abs/1803.07728; beside labels: Zhai et al. (S4L), ICCV 2019,
// https://arxiv.org/abs/1905.03670, equation 1, and ReMixMatch, https://arxiv.org/abs/1911.09785, section 3.3.
#pragma once
#include "fewlabel/method.h"

namespace fewlabel {

class RotationImpl : public torch::nn::Module {
 public:
  /// `features` numbers an example come from the net; the weights of the head from the task's seed. Throws Error{usage}
  /// where there is a weight and the examples are no images.
  RotationImpl(double weight, int64_t features, const Task& task);

  /// weight · mean cross-entropy of the quarter turns; zero, without a pass, where the weight is 0. Every third of the
  /// unlabelled weak views is turned, those by 0, 1, 2, 3, 0 … quarters, in a pass of its own that leaves batch norm's
  /// running statistics as they are: a turned image is no example. Logs loss/rotation and rotation/accuracy.
  Tensor loss(NetModule& net, const Batch& batch, Step& step);

 private:
  double weight_;
  torch::nn::Linear head_{nullptr};  // none where the weight is 0
};
TORCH_MODULE(Rotation);

}  // namespace fewlabel
