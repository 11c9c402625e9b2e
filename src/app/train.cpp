// `fewlabel train`.
#include "app/app.h"
#include "app/recipe_stages.h"
#include "app/runner.h"
#include "fewlabel/error.h"
#include "plan/recipe.h"
#include "train/machine.h"

namespace fewlabel {

Json train(const TrainRequest& request) {
  tune_allocator();
  RunRequest run;
  run.recipe = read_recipe(request.recipe, request.overrides);
  run.overrides = request.overrides;
  run.resume = request.resume;
  run.overwrite = request.overwrite;
  run.chatter = request.chatter;
  run.command = request.command;
  if (request.resume && run.recipe.value("out", std::string()).empty())
    throw Error(ErrorKind::usage, "train", "--resume needs the run to go on with", "fewlabel train --resume out=RUN");
  if (request.minutes > 0 && request.resume) {
    run.overrides.push_back("train.minutes=" + std::to_string(request.minutes));
  } else if (request.minutes > 0 && is_chain(run.recipe)) {
    share_minutes(run.recipe, request.minutes);
  } else if (request.minutes > 0) {
    run.recipe["train"]["minutes"] = request.minutes;
    run.recipe["train"].erase("steps");
  }
  if (request.dry_run) {
    if (request.resume)
      throw Error(ErrorKind::usage, "train", "--dry-run plans a run, and --resume goes on with one",
                  "leave one of them out");
    return dry_run(run);
  }
  return run_stages(run);
}

}  // namespace fewlabel
