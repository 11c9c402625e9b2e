#include "train/trust.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewlabel {
namespace {

constexpr double kLow = 0.8, kEarly = 0.2;
constexpr int64_t kEarlyUpdates = 200, kReadings = 3;

}  // namespace

TrustMonitor::TrustMonitor(int64_t steps)
    : judged_from_(std::max(kEarlyUpdates, static_cast<int64_t>(kEarly * static_cast<double>(steps)))) {}

std::optional<std::string> TrustMonitor::read(int64_t step, double trust) {
  if (warned_ || step < judged_from_) return {};
  low_ = trust < kLow ? low_ + 1 : 0;
  if (low_ < kReadings) return {};
  warned_ = true;
  return fmt::format(
      "the pseudo-labels contradict what the labels say, so the unlabelled examples count {:.0f} % of their weight at "
      "step {}: do they hold other classes, or is a label wrong? compare with method=supervised",
      100 * trust, step);
}

}  // namespace fewlabel
