// What a run says of itself in the end, from what each of its stages has left.
#pragma once
#include <vector>

#include "fewlabel/config.h"
#include "fewlabel/run.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

struct RunSummary {
  Json summary;  // summary.json
  Json detail;   // evaluation.json, with that of the baseline
};
/// Of a run whose stages are all through; `data` is its data.json.
RunSummary summary_of(const RunFolder& run, const std::vector<Plan>& stages, const Json& data);

}  // namespace fewlabel
