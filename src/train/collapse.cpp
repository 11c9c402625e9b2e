#include "train/collapse.h"

#include <fmt/format.h>

namespace fewlabel {
namespace {

constexpr double kSpread = 0.1;
// Of the directions there are, and of 64 at most: codes of bigan that had collapsed used 2.3 to 2.9 of 64, those of
// sound runs 3.9 and more, and projections of simsiam, sound as well, at first no more than 2.7 of 256.
constexpr double kShareOfDirections = 0.04;
constexpr int64_t kMostDirections = 64;

constexpr double kEarly = 0.1;  // share of the run
constexpr int64_t kEarlyUpdates = 200;
constexpr int64_t kReadings = 3, kUpdates = 100;  // that low ones must last
constexpr double kRise = 0.2, kRiseAtLeast = 0.01;

}  // namespace

bool CollapseMonitor::Low::stays(bool low, double value, int64_t step) {
  if (!low || count == 0 || value > (1 + kRise) * first + kRiseAtLeast) {
    *this = {.count = low ? 1 : 0, .since = step, .first = value};
    return false;
  }
  return ++count >= kReadings && step - since >= kUpdates;
}

CollapseMonitor::CollapseMonitor(const Needs& needs, int64_t steps, double warmup)
    : compares_views_(std::count(needs.unlabeled.begin(), needs.unlabeled.end(), "contrast") > 1),
      learns_from_labels_(!needs.labeled.empty()),
      judged_from_(
          std::max(kEarlyUpdates, static_cast<int64_t>(std::max(kEarly, warmup) * static_cast<double>(steps)))) {}

std::optional<std::string> CollapseMonitor::read(const EmbeddingReading& reading) {
  if (warned_ || reading.step < judged_from_) return {};
  const double few = kShareOfDirections * static_cast<double>(std::min(reading.directions, kMostDirections));
  const bool point = spread_.stays(reading.spread < kSpread, reading.spread, reading.step);
  const bool line = rank_.stays(!learns_from_labels_ && reading.rank < few, reading.rank, reading.step);
  if (!point && !line) return {};
  warned_ = true;
  return fmt::format(
      "the embeddings are collapsing ({} at step {}): stop the run and try a smaller optimizer.lr{}",
      point ? fmt::format("spread {:.3f}, where 1 is even and 0 all alike,", reading.spread)
            : fmt::format("rank {:.1f} of {} directions", reading.rank, reading.directions),
      reading.step,
      compares_views_ ? ", a larger train.batch or a stronger augment.contrast" : " or a larger train.batch");
}

}  // namespace fewlabel
