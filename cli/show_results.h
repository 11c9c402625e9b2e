// What evaluate, bench and doctor found, as text of at most 80 columns.
#pragma once
#include <string>

#include "fewlabel/config.h"

namespace fewlabel {

/// The figures of app's evaluate(): accuracy with its interval and calibration, probes, or the quality of samples.
std::string evaluation_text(const Json& evaluation);
/// What bench() measured, other programs beside it.
std::string bench_text(const Json& result);
/// The table of `runs compare` for the runs of a sweep that are finished.
std::string sweep_text(const Json& result);
/// What generate() and embed() wrote.
std::string made_text(const Json& made);
/// "key: value" lines, one block a table; `warnings` last.
std::string doctor_text(const Json& findings);

}  // namespace fewlabel
