// A recipe that holds [[stage]] tables is several trainings, one after another, the weights of each passing on to the
// next. The last one is what the run is about.
#pragma once
#include <string>
#include <vector>

#include "fewlabel/config.h"

namespace fewlabel {

struct StageRecipe {
  std::string name;         // pretrain-1, pretrain-2 …, main
  Json recipe;              // with overrides
  std::string starts_from;  // name of the stage whose weights it starts from; empty: none of this run
};

bool is_chain(const Json& recipe);

/// The recipe of each stage: what stands outside of the tables, the table on top, then the overrides, but for those of
/// one stage ("stage.2.method.tau=0.9"), which the recipe already holds. A stage starts from the weights of the one
/// before unless it says init itself (init = "" is none). A recipe without tables is one stage. Throws Error{usage}.
std::vector<StageRecipe> stage_recipes(const Json& recipe, const std::vector<std::string>& overrides);

/// Shares a time budget among the stages, in proportion to their own.
void share_minutes(Json& recipe, double minutes);

}  // namespace fewlabel
