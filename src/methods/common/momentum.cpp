#include "methods/common/momentum.h"

#include <cmath>
#include <numbers>

namespace fewlabel {

void follow(torch::nn::Module& target, const torch::nn::Module& online, double decay) {
  const torch::NoGradGuard no_grad;
  const auto goal = online.named_parameters();
  for (auto& item : target.named_parameters()) item.value().lerp_(goal[item.key()], 1.0 - decay);
}

double rising_decay(double start, double progress) {
  return 1.0 - (1.0 - start) * (std::cos(std::numbers::pi * progress) + 1.0) / 2.0;
}

}  // namespace fewlabel
