#include "train/pace.h"

#include <algorithm>
#include <cmath>

namespace fewlabel {
namespace {

constexpr double kLook = 0.02;    // share of the budget between two looks
constexpr double kSoonest = 0.5;  // seconds
constexpr double kNews = 0.02;    // change of what is left that is worth a correction

}  // namespace

double Pace::place(int64_t done) const {
  return place_ + static_cast<double>(done - from_) *
                      ((static_cast<double>(planned_) - place_) / static_cast<double>(total_ - from_));
}

void Pace::correct(int64_t done, int64_t total) {
  place_ = place(done);
  from_ = done;
  total_ = total;
}

Json Pace::save() const { return {{"total", total_}, {"from", from_}, {"place", place_}}; }

void Pace::load(const Json& saved) {
  total_ = saved.at("total").get<int64_t>();
  from_ = saved.at("from").get<int64_t>();
  place_ = saved.at("place").get<double>();
}

int64_t Budget::fitting(int64_t done, double elapsed, int64_t total) {
  const double since = elapsed - elapsed_;
  if (seconds_ <= 0 || done <= done_ || done >= total || since < std::max(kLook * seconds_, kSoonest)) return 0;
  const double latest = since / static_cast<double>(done - done_);
  // The machine has other things to do, now and then: neither the last look alone nor the whole past tells the rest.
  step_ = step_ == 0 ? latest : 0.5 * (step_ + latest);
  done_ = done;
  elapsed_ = elapsed;
  const auto left = std::max<int64_t>(1, std::llround((seconds_ - elapsed) / step_));
  const double change = std::abs(static_cast<double>(left - (total - done)));
  return change > kNews * static_cast<double>(total - done) ? done + left : 0;
}

}  // namespace fewlabel
