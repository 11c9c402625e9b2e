// `fewlabel sweep`: a training for every combination of settings, one after another, each a run of its own in a process
// of its own: what one leaks, or dies of, cannot touch the next.
#pragma once
#include <string>
#include <vector>

#include "app/app.h"

namespace fewlabel {

struct SweepRequest {
  TrainRequest train;                // its overrides may hold lists, "seed=0,1,2" (plan/grid.h); `out` is the sweep's
  std::vector<std::string> program;  // what trains a cell: a program that hands its last argument to train_cell()
};
/// Trains what is missing. The folder holds a run for each cell, recipe.toml and sweep.json. Returns {folder, cells,
/// failed, comparison}: cells as in sweep.json, `comparison` is compare_json() of those that are finished. Throws
/// Error{usage} before any work for what a cell cannot be; Error{interrupted or terminated} once a signal has stopped
/// it. A cell that fails is written down, and the others go on.
Json sweep(const SweepRequest& request);

/// Throws Error{failure} that names the cells which failed, if any did.
void check_sweep(const Json& result);

/// Trains one cell, as sweep() asks for it; returns the exit code.
int train_cell(const std::string& request);

}  // namespace fewlabel
