// `fewlabel train`: one run, or a chain of them.
#include <filesystem>

#include "app/app.h"
#include "app/chain.h"
#include "app/session.h"
#include "core/cancel.h"
#include "core/files.h"
#include "fewlabel/error.h"
#include "plan/recipe.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

/// What the run at `out` was told when it began.
Json recipe_of_run(const std::string& out) {
  if (out.empty())
    throw Error(ErrorKind::usage, "train", "--resume needs the run to go on with", "fewlabel train --resume out=RUN");
  const std::filesystem::path path = std::filesystem::path(out) / "config.toml";
  return std::filesystem::exists(path) ? parse_toml(read_file(path), path.string()) : Json::object();
}

}  // namespace

Json train(const TrainRequest& request) {
  watch_signals();
  tune_allocator();
  RunRequest run{.recipe = read_recipe(request.recipe, request.overrides),
                 .overrides = request.overrides,
                 .resume = request.resume,
                 .overwrite = request.overwrite,
                 .chatter = request.chatter,
                 .command = request.command,
                 .resume_out = {}};
  const bool chain = is_chain(request.resume ? recipe_of_run(run.recipe.value("out", std::string())) : run.recipe);
  if (request.minutes > 0 && !request.resume) {
    if (chain) {
      share_minutes(run.recipe, request.minutes);
    } else {
      run.recipe["train"]["minutes"] = request.minutes;
      run.recipe["train"].erase("steps");
    }
  }
  return chain ? train_chain(run) : train_run(run);
}

}  // namespace fewlabel
