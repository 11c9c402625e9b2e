// The settings that come with a method.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "fewlabel/layout.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

/// The recipe with what its method brings along wherever it says nothing itself: MethodInfo::settings and, in a short
/// run (plan/preset.h), MethodInfo::short_settings, which go before those. A recipe that names no method is left alone.
Json with_method_settings(const Json& recipe);

/// The keys of all methods ("method.tau"), for what is said to one that nobody knows.
std::vector<std::string> method_keys();

/// Takes back what a short run was given for images (MethodInfo::short_settings_of) where the examples are none and the
/// recipe says nothing itself. Throws Error{usage} where the method does not learn from this kind.
void fit_to_kind(TrainConfig& config, const Json& recipe, Kind kind);

/// What a short run does otherwise where there are many labels, in methods that have the setting and where the recipe
/// says nothing: more labels a step and as many unlabelled examples (train.batch and method.mu, of which it must name
/// neither; docs/decisions/0003), no quarter turns (method.rotation; 0009). Returns the sentences that say so.
std::vector<std::string> fit_to_labels(TrainConfig& config, const Json& recipe, int64_t labeled);

/// No quarter turns, where the recipe says nothing of them: what they teach, an encoder knows, and their fresh head's
/// gradients undo some of it. Returns the sentences that say so.
std::vector<std::string> fit_to_encoder(TrainConfig& config, const Json& recipe);

}  // namespace fewlabel
