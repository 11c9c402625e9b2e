// From a configuration as written to a plan with nothing left open: every "auto" becomes a value, and each choice is
// told in a sentence. Free of libtorch.
#pragma once
#include <string>
#include <vector>

#include "fewlabel/dataset.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

/// What a plan depends on beside the configuration.
struct PlanFacts {
  ImageShape found;  // commonest shape of the examples
  int64_t labeled = 0, unlabeled = 0, classes = 0;
  int threads = 1;                     // that this process may use
  bool bf16 = false;                   // the processor multiplies bf16 natively
  bool gpu = false, gpu_bf16 = false;  // there is one that training can use; it multiplies bf16 natively
  bool learns_without_labels = false;  // the method of the configuration
};

/// Runs below this many updates, and those with a budget in minutes, get settings of their own (decision 0003).
constexpr int64_t kLongRun = 100'000;

/// The method of a configuration that names none: freematch, or supervised where every example has a label.
struct MethodChoice {
  std::string name, sentence;  // for Plan::choices
};
MethodChoice choose_method(const PlanFacts& facts);

struct Plan {
  TrainConfig config;                // no empty optional but those of lengths, see resolve()
  std::vector<std::string> choices;  // "net cnn: images of 28 × 28" …, for a person to read
};

/// Fills every empty optional. train.steps stays empty when the budget is in minutes: the trainer measures a step
/// first.
Plan resolve(TrainConfig config, const PlanFacts& facts);

}  // namespace fewlabel
