// How far a training is, and how many updates it still has time for. Free of libtorch.
#pragma once
#include <cstdint>

#include "fewlabel/config.h"

namespace fewlabel {

/// Counts in the updates of the plan, so that schedules end where they should however many updates it turns out to be.
class Pace {
 public:
  explicit Pace(int64_t planned) : planned_(planned), total_(planned) {}

  int64_t planned() const { return planned_; }
  /// Updates in all, as far as is known now.
  int64_t total() const { return total_; }
  /// After `done` updates: `done` itself as long as nothing was corrected, and always planned() after total().
  double place(int64_t done) const;
  /// What is left of the plan is spread over the updates up to `total`, which is above `done`.
  void correct(int64_t done, int64_t total);

  Json save() const;
  void load(const Json& saved);

 private:
  int64_t planned_, total_;
  int64_t from_ = 0;  // updates done at the last correction
  double place_ = 0;  // and their place
};

/// Watches the clock of a training with a time budget and says when the number of updates should be another.
class Budget {
 public:
  /// `seconds` of training in all; 0: there is no budget.
  Budget(double seconds, int64_t done, double elapsed) : seconds_(seconds), done_(done), elapsed_(elapsed) {}
  /// After `done` updates and `elapsed` seconds: the updates in all that fit, where that is news; else 0.
  int64_t fitting(int64_t done, double elapsed, int64_t total);

 private:
  double seconds_;
  int64_t done_;               // at the last look
  double elapsed_, step_ = 0;  // seconds, then and of an update
};

}  // namespace fewlabel
