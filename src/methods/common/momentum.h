// A network that follows another as a moving average of its weights: keys of MoCo, target of BYOL, teacher of DINO.
#pragma once
#include <torch/torch.h>

namespace fewlabel {

/// target ← decay · target + (1 - decay) · online for every parameter. Buffers (running statistics of batch norm) stay
/// the target's own, which it moves in its own forward passes.
void follow(torch::nn::Module& target, const torch::nn::Module& online, double decay);

/// 1 - (1 - start) (cos π·progress + 1) / 2: from start to 1 over the run (BYOL, arXiv:2006.07733, section 3.2).
double rising_decay(double start, double progress);

}  // namespace fewlabel
