#include "train/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fewlabel/error.h"

namespace fewlabel {

ScheduleKind parse_schedule(std::string_view name) {
  if (name == "cosine_7_16") return ScheduleKind::cosine_7_16;
  if (name == "cosine") return ScheduleKind::cosine;
  if (name == "linear") return ScheduleKind::linear;
  if (name == "constant") return ScheduleKind::constant;
  throw Error(ErrorKind::usage, "optimizer.schedule", fmt::format("unknown schedule '{}'", name),
              "use cosine_7_16, cosine, linear or constant");
}

double Schedule::factor(double step) const {
  const auto rising = static_cast<double>(std::llround(warmup * static_cast<double>(steps)));
  if (step < rising) return std::min((step + 1) / rising, 1.);
  const double t = std::clamp((step - rising) / std::max(static_cast<double>(steps) - rising, 1.), 0., 1.);
  switch (kind) {
    case ScheduleKind::cosine_7_16:
      return std::cos(7 * std::numbers::pi * t / 16);
    case ScheduleKind::cosine:
      return (1 + std::cos(std::numbers::pi * t)) / 2;
    case ScheduleKind::linear:
      return 1 - t;
    case ScheduleKind::constant:
      return 1;
  }
  return 1;
}

}  // namespace fewlabel
