// A run: its stages one after another over one folder. There is one way to go on, and one to stop.
#pragma once
#include <string>

#include "app/run_request.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"

namespace fewlabel {

/// Plans (or, with request.resume, reopens) the run and carries it out. Each stage that is through has left a result
/// and is not done again. Returns summary.json. Throws Error; the run folder then says how it ended.
Json run_stages(const RunRequest& request);
/// Plans alone; writes nothing. Returns {stages: [plan …], step_seconds, notes}.
Json dry_run(const RunRequest& request);

/// The command that goes on with a run.
std::string resume_command(const std::string& out);

}  // namespace fewlabel
