// Where the files of a run are, wherever the program was started this time.
#pragma once
#include <string>

#include "fewlabel/config.h"
#include "fewlabel/run.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

/// A relative path that leads nowhere from here is taken from the folder in which the run was started (env.json).
std::string located(const std::string& path, const RunFolder& run);
/// The same for every path of the data.
DataPlan located(DataPlan data, const RunFolder& run);

}  // namespace fewlabel
