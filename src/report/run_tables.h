// The tables of fewlabel/run.h for a place that is wider or narrower than 80 columns.
#pragma once
#include <cstddef>
#include <string>

#include "fewlabel/config.h"

namespace fewlabel {

/// In at most `width` columns, long cells cut in the middle; 0: as wide as it takes. Names of runs stay distinct, for
/// which a line may become longer.
std::string runs_text(const Json& runs, std::size_t width);
/// Long values are folded, and runs that do not fit beside each other follow below; nothing is cut.
std::string run_text(const Json& run, std::size_t width);
std::string compare_text(const Json& comparison, std::size_t width);

}  // namespace fewlabel
