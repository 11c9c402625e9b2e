// From a recipe to a configuration whose method is known and checked. What a run then does is in app/session.h.
#pragma once
#include <string>
#include <vector>

#include "fewlabel/train_config.h"

namespace fewlabel {

/// Of a configuration whose method is chosen.
std::string method_name(const TrainConfig& config);
/// False where no method is named: the one that is picked then needs labels.
bool learns_without_labels(const TrainConfig& config);
/// Refuses unknown methods and fields before anything is written, and writes defaults out. Throws Error{usage}.
void check_method(TrainConfig& config);
/// Of all that decides the weights; a checkpoint belongs to one.
std::string plan_identity(const TrainConfig& plan);
/// Whether a key leaves the weights that a resumed run ends with as they are.
bool may_change_on_resume(const std::string& key);
/// Fills init_hash, and net, data.size and data.channels from the run that init names, where they are left open.
/// Returns sentences that say so. Throws Error{usage} when init_hash names other weights.
std::vector<std::string> adopt_initial(TrainConfig& config);
/// The supervised baseline of a plan: same net, augmentation and optimiser, labels alone.
TrainConfig baseline_of(const TrainConfig& plan);

}  // namespace fewlabel
