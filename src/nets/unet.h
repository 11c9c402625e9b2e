// A small U-Net for diffusion and flow matching: x at time t, under a class condition, to a map of x's own shape.
// Ronneberger et al. 2015 (arXiv:1505.04597), with the residual blocks of Ho et al. 2020 (arXiv:2006.11239): group
// norm, SiLU, and scale and shift from the embedding of time and class (Dhariwal and Nichol 2021, arXiv:2105.05233).
#pragma once
#include <torch/torch.h>

#include "fewlabel/image.h"
#include "fewlabel/net.h"

namespace fewlabel {

struct UNetSpec {
  ImageShape shape;     // sides that are multiples of 4
  int64_t classes = 0;  // conditions; number `classes` stands for none
  int64_t width = 32;   // channels at half size; a multiple of 8
  uint64_t seed = 0;    // of the weights, whatever torch's global generator holds
};

class UNetModule : public torch::nn::Module {
 public:
  /// x: N × C × H × W; t: N, in [0, 1]; condition: int64 N in 0 … classes. Gives N × C × H × W in fp32.
  virtual Tensor forward(const Tensor& x, const Tensor& t, const Tensor& condition) = 0;
};
using UNet = std::shared_ptr<UNetModule>;

/// Throws Error{usage} for a shape or a width that it cannot have.
UNet make_unet(const UNetSpec& spec);

}  // namespace fewlabel
