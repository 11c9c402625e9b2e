// A class-conditional generator: flow matching (Lipman et al. 2023, arXiv:2210.02747) along straight paths (rectified
// flow, Liu et al. 2023, arXiv:2209.03003), times drawn as in Esser et al. 2024 (arXiv:2403.03206), with
// classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598).
#pragma once
#include <torch/torch.h>

#include "fewlabel/method.h"
#include "methods/common/pixels.h"
#include "nets/unet.h"

namespace fewlabel {

struct FlowConfig {
  int64_t width = 32, sample_steps = 8;
  double drop = 0.15, guidance = 2.0, decay = 0.995;
  std::string solver = "heun";
  void fields(FieldVisitor& field);
};

/// Images are in [-1, 1] inside; x_0 is noise, x_1 data, x_t = (1 - t) x_0 + t x_1. Condition `classes` stands for
/// none.
class FlowImpl : public torch::nn::Module {
 public:
  FlowImpl(const FlowConfig& config, const Task& task);
  /// mean ‖v(x_t, t, c) - (x_1 - x_0)‖² over numbers. x: normalised inputs; condition: int64 N, -1 (or classes) for
  /// none. A share `drop` of the conditions is left out.
  Tensor loss(const Tensor& x, const Tensor& condition);
  /// The averaged net follows the trained one; to be called once per optimiser update.
  void updated();
  /// Solves dx/dt = v from t = 0 to 1 with the averaged net. N × C × H × W, pixels in [0, 1]; without gradient.
  Tensor sample(const Tensor& condition, uint64_t seed);
  Tensor sample(const SampleRequest& request);
  std::vector<Tensor> trained() const { return net_->parameters(); }

 private:
  Tensor velocity(const Tensor& x, double t, const Tensor& condition);

  FlowConfig config_;
  Task task_;
  Pixels pixels_;
  UNet net_, average_;
  Tensor updates_;
};
TORCH_MODULE(Flow);

}  // namespace fewlabel
