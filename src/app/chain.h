// Stages: a recipe that holds [[stage]] tables is several trainings, one after another, the weights of each passing on
// to the next. Each is a run of its own, OUT/stage-1 and so on; OUT holds the results of the last.
#pragma once
#include <string>
#include <vector>

#include "app/session.h"

namespace fewlabel {

bool is_chain(const Json& recipe);

/// The recipe of each stage: what stands outside of the tables, the table on top, then the overrides, but for those of
/// one stage ("stage.2.method.tau=0.9"), which the recipe already holds. A stage starts from the weights of the one
/// before unless it says init itself (init = "" is none). Throws Error{usage}.
std::vector<Json> stage_recipes(const Json& recipe, const std::vector<std::string>& overrides, const std::string& out);

/// Shares a time budget among the stages, in proportion to their own.
void share_minutes(Json& recipe, double minutes);

/// Returns summary.json. Throws Error; the run folder then says how it ended.
Json train_chain(const RunRequest& request);

}  // namespace fewlabel
