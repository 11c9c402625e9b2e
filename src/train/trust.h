// Notices when a method has come to doubt its pseudo-labels: the run goes on, and nobody would see why it gains little.
#pragma once
#include <optional>
#include <string>

#include "fewlabel/config.h"

namespace fewlabel {

/// Says once, after several low readings in a row past the first fifth of a run, that the unlabelled examples are
/// weakened. A reading is what methods log as unlabeled/trust: 1, the unlabelled loss counts whole.
class TrustMonitor {
 public:
  explicit TrustMonitor(int64_t steps);
  /// step: updates done. A sentence for the user, or nothing.
  std::optional<std::string> read(int64_t step, double trust);

 private:
  int64_t judged_from_, low_ = 0;
  bool warned_ = false;
};

}  // namespace fewlabel
