// The settings that come with a method.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "fewlabel/train_config.h"

namespace fewlabel {

/// The recipe with what its method brings along wherever it says nothing itself: MethodInfo::settings and, in a short
/// run (kLongRun), MethodInfo::short_settings, which go before those. A recipe that names no method is left alone.
Json with_method_settings(const Json& recipe);

/// In a short run of a method that weighs labelled against unlabelled examples, and where the recipe says neither
/// train.batch nor method.mu: more labels a step where there are more of them (docs/decisions/0003), as many
/// unlabelled. Returns the sentences that say so.
std::vector<std::string> fit_batch(TrainConfig& config, const Json& recipe, int64_t labeled);

}  // namespace fewlabel
