// Dropout within nets.
#pragma once
#include <torch/torch.h>

namespace fewlabel {

/// In training a share of the numbers is set to 0 and the others are scaled up, by draws from torch's global generator.
/// On the CPU faster than libtorch's, which draws one number after the other.
class InnerDropoutImpl : public torch::nn::Module {
 public:
  explicit InnerDropoutImpl(double share) : share_(share) {}
  torch::Tensor forward(const torch::Tensor& x);
  double share() const { return share_; }
  void set_share(double share) { share_ = share; }

 private:
  double share_;
};
TORCH_MODULE(InnerDropout);

}  // namespace fewlabel
