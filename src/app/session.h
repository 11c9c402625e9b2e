// One training from recipe to report: data, plan, training, baseline, findings, run folder.
#pragma once
#include <string>
#include <vector>

#include "app/app.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"

namespace fewlabel {

struct RunRequest {
  Json recipe;                         // with overrides applied; of a resumed run only `out` counts
  std::vector<std::string> overrides;  // as typed; a resumed run refuses those that would change it
  bool resume = false, overwrite = false;
  Chatter chatter = Chatter::plain;
  std::string command;     // as typed
  std::string resume_out;  // what --resume goes on with; empty: the run itself, else the chain that it is a part of
};
/// Returns summary.json. Throws Error; the run folder then says how it ended.
Json train_run(const RunRequest& request);

/// Writes into the run folder how the run ended. Never throws Error: the one that ended it is the one to report.
void record_failure(RunFolder& folder, RunStatus status, const Error& error);

/// The command that goes on with a run.
std::string resume_command(const std::string& out);

}  // namespace fewlabel
