#include "methods/common/statistics_guard.h"

namespace fewlabel {

StatisticsGuard::StatisticsGuard(torch::nn::Module& net) {
  const auto hold = [&](torch::nn::BatchNormOptions& options) {
    before_.emplace_back(&options, options);
    // The first stops the count of batches, the second the statistics, which are updated by this share of the batch's.
    options.track_running_stats(false).momentum(0.0);
  };
  for (const auto& module : net.modules()) {
    if (!module->is_training()) continue;
    if (auto* norm = module->as<torch::nn::BatchNorm2d>()) hold(norm->options);
    if (auto* flat = module->as<torch::nn::BatchNorm1d>()) hold(flat->options);
  }
}

StatisticsGuard::~StatisticsGuard() {
  for (auto& [options, value] : before_) *options = value;
}

}  // namespace fewlabel
