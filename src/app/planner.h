// From a recipe to the plans of all stages of a run, each decided once, before the first step.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "app/run_request.h"
#include "app/workspace.h"

namespace fewlabel {

/// A run as it will be.
struct RunPlan {
  std::vector<Plan> stages;        // in order
  std::vector<Conduct> conduct;    // of each
  std::string data_name;           // of the main stage
  std::vector<std::string> notes;  // for the summary: why there is no estimate
  double step_seconds = 0;         // of the main stage; 0: not measured
};

/// Tells what was picked and why. Everything that a plan may get wrong is tried out, and the time of a step measured,
/// before any file is written. `workspace` then holds the main stage's data. Throws Error.
RunPlan plan_run(const RunRequest& request, Workspace& workspace);

/// `--dry-run`: what plan_run found, as a few lines.
std::string plan_summary(const RunPlan& run, const StageData& main);

}  // namespace fewlabel
