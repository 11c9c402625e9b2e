// While it lives, nothing is dropped within a net: for passes that are compared with each other. Dropout before the
// head stays. To be used from one thread; scopes must nest.
#pragma once
#include <torch/torch.h>

#include <utility>
#include <vector>

#include "nets/dropout.h"

namespace fewlabel {

class DropoutGuard {
 public:
  explicit DropoutGuard(torch::nn::Module& net) {
    for (const auto& module : net.modules(/*include_self=*/false))
      if (auto* dropout = module->as<InnerDropout>()) {
        before_.emplace_back(dropout, dropout->share());
        dropout->set_share(0);
      }
  }
  ~DropoutGuard() {
    for (auto& [dropout, share] : before_) dropout->set_share(share);
  }
  DropoutGuard(const DropoutGuard&) = delete;
  DropoutGuard& operator=(const DropoutGuard&) = delete;

 private:
  std::vector<std::pair<InnerDropoutImpl*, double>> before_;
};

}  // namespace fewlabel
