// What a run is made of: stages in order, each a plan in a folder of its own below the run's, the main one at its root.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fewlabel/run.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

enum class StageKind {
  pretrain,           // a training whose weights the next one starts from
  main,               // what the run is about
  baseline,           // the labels alone, judged as the main one is
  estimate,           // the main method without one fold of the labels, judged on those
  baseline_estimate,  // the same of the labels alone
};
/// By the name: pretrain-1, main, baseline, estimate-1, baseline-estimate-1.
StageKind kind_of(std::string_view stage);

/// The one that the run is about.
const Plan& main_stage(const std::vector<Plan>& stages);

std::filesystem::path stage_folder(const RunFolder& run, const std::string& stage);

/// Writes plan.toml of every stage, then the list that makes them count.
void save_stages(const RunFolder& run, const std::vector<Plan>& stages);
/// Throws Error{usage}: the run was stopped before there was any; Error{storage}: damaged.
std::vector<Plan> load_stages(const RunFolder& run);

/// What a stage found, once it is through; null before. A result that belongs to another plan is none.
Json stage_result(const RunFolder& run, const Plan& plan);
void save_result(const RunFolder& run, const Plan& plan, Json result);

}  // namespace fewlabel
