// The learning rate over a run, as a factor of its base value.
#pragma once
#include <cstdint>
#include <string_view>

namespace fewlabel {

enum class ScheduleKind {
  cosine_7_16,  // cos(7πt/16): FixMatch, arXiv:2001.07685, section 2.4; ends at 0.195
  cosine,       // (1 + cos πt) / 2: SGDR, arXiv:1608.03983; ends at 0
  linear,       // 1 - t
  constant,
};
/// Throws Error{usage}.
ScheduleKind parse_schedule(std::string_view name);

/// t runs from 0 to 1 over the updates after the warm-up, in which the factor rises linearly to 1.
struct Schedule {
  ScheduleKind kind = ScheduleKind::cosine_7_16;
  double warmup = 0;  // share of the run
  int64_t steps = 1;
  /// Factor for the update after `step` of them; between two where the pace was corrected.
  double factor(double step) const;
};

}  // namespace fewlabel
