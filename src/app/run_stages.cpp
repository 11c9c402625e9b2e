#include "app/run_stages.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/planning.h"
#include "core/files.h"
#include "core/json_text.h"
#include "fewlabel/error.h"
#include "plan/recipe.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr int kFormat = 1;

fs::path list_file(const RunFolder& run) { return run.path() / "stages.json"; }

}  // namespace

StageKind kind_of(std::string_view stage) {
  if (stage.starts_with("pretrain-")) return StageKind::pretrain;
  if (stage.starts_with("baseline-estimate-")) return StageKind::baseline_estimate;
  if (stage.starts_with("estimate-")) return StageKind::estimate;
  return stage == "baseline" ? StageKind::baseline : StageKind::main;
}

const Plan& main_stage(const std::vector<Plan>& stages) {
  return *std::find_if(stages.begin(), stages.end(),
                       [](const Plan& plan) { return kind_of(plan.stage) == StageKind::main; });
}

fs::path stage_folder(const RunFolder& run, const std::string& stage) {
  return stage == "main" ? run.path() : run.path() / "stages" / stage;
}

void save_stages(const RunFolder& run, const std::vector<Plan>& stages) {
  Json names = Json::array();
  for (const Plan& plan : stages) {
    const fs::path folder = stage_folder(run, plan.stage);
    make_folder(folder);
    write_file(folder / "plan.toml", plan_text(plan), Durability::durable);
    names.push_back(plan.stage);
  }
  run.write_json(list_file(run), {{"format", kFormat}, {"stages", names}});
}

std::vector<Plan> load_stages(const RunFolder& run) {
  if (!fs::exists(list_file(run)))
    throw Error(ErrorKind::usage, run.path().string(),
                "was stopped before training began; there is nothing to go on with",
                "start it anew: the same command without --resume");
  const Json list = run.read_json(list_file(run));
  if (!list.is_object() || list.value("format", 0) != kFormat || !list.contains("stages"))
    throw Error(ErrorKind::storage, list_file(run).string(), "is damaged, or of another version of fewlabel",
                "restore it from a copy, or start the run anew");
  std::vector<Plan> stages;
  for (const Json& name : list["stages"]) {
    const fs::path path = stage_folder(run, name.get<std::string>()) / "plan.toml";
    stages.push_back(parse_plan(read_file(path), path.string()));
  }
  return stages;
}

Json stage_result(const RunFolder& run, const Plan& plan) {
  Json result = run.read_json(stage_folder(run, plan.stage) / "result.json");
  const bool whole = result.is_object() && result.value("format", 0) == kFormat &&
                     result.value("plan", std::string()) == plan_identity(plan);
  return whole ? result : Json(nullptr);
}

void save_result(const RunFolder& run, const Plan& plan, Json result) {
  result["format"] = kFormat;
  result["plan"] = plan_identity(plan);
  run.write_json(stage_folder(run, plan.stage) / "result.json", result);
}

}  // namespace fewlabel
