// While it lives, batch norm in training mode still normalises by the batch, but its running statistics stay: for
// passes over inputs that are no examples, such as adversarial ones. To be used from one thread; scopes must nest.
#pragma once
#include <torch/torch.h>

#include <utility>
#include <vector>

namespace fewlabel {

class StatisticsGuard {
 public:
  explicit StatisticsGuard(torch::nn::Module& net);
  ~StatisticsGuard();
  StatisticsGuard(const StatisticsGuard&) = delete;
  StatisticsGuard& operator=(const StatisticsGuard&) = delete;

 private:
  std::vector<std::pair<torch::nn::BatchNormOptions*, torch::nn::BatchNormOptions>> before_;
};

}  // namespace fewlabel
