// The last lines a training prints.
#pragma once
#include <string>

#include "fewlabel/config.h"

namespace fewlabel {

/// summary.json as a few lines of at most 80 columns: accuracy with its interval beside the baseline, warnings,
/// calibration, time, notes, and where the report is (left out when `report` is empty).
std::string summary_text(const Json& summary, const std::string& report = {});

}  // namespace fewlabel
