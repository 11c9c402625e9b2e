#include "app/run_summary.h"

#include <fmt/format.h>

#include "app/estimate.h"
#include "app/machine.h"
#include "app/run_stages.h"
#include "core/files.h"
#include "core/text.h"
#include "fewlabel/version.h"

namespace fewlabel {
namespace {

std::vector<Json> results(const RunFolder& run, const std::vector<Plan>& stages, StageKind kind) {
  std::vector<Json> found;
  for (const Plan& plan : stages)
    if (kind_of(plan.stage) == kind) found.push_back(stage_result(run, plan));
  return found;
}

/// Of the folds of the main method, and of those of the labels alone; `own`: what the run's model was compared by.
void add_estimate(Json& summary, Json& notes, const std::vector<Json>& folds, const std::vector<Json>& plain,
                  const std::vector<int64_t>& own) {
  if (folds.empty()) return;
  const Estimate estimate = estimate_of(folds, own);
  if (estimate.examples == 0) return;
  summary["estimated_accuracy"] = estimate.accuracy;
  summary["estimated_low"] = estimate.low;
  summary["estimated_high"] = estimate.high;
  summary["estimate_examples"] = estimate.examples;
  summary["estimate_disagreement"] = estimate.disagreement;
  notes.push_back(fmt::format(
      "The estimate is by repeated hold-out: {} trainings of a fraction of this one's steps, each without a part of "
      "the labels, which then judged it: {} labelled examples in all. Its interval is Wilson's (95 %), and reaches up "
      "by the {:.0f} % of the unlabelled examples that the run's own model calls something else. It speaks of data in "
      "which the classes are as frequent as among the labels, and nothing was chosen by it.",
      folds.size(), estimate.examples, 100 * estimate.disagreement));
  if (plain.empty()) return;
  const Estimate alone = estimate_of(plain, {});
  summary["supervised_estimated_accuracy"] = alone.accuracy;
  summary["supervised_estimated_low"] = alone.low;
  summary["supervised_estimated_high"] = alone.high;
  notes.push_back("The labels alone were trained and judged by the same folds.");
}

/// The trainings whose weights pass on, with their figures.
Json chain_of(const RunFolder& run, const std::vector<Plan>& stages) {
  Json list = Json::array();
  for (const Plan& plan : stages) {
    const StageKind kind = kind_of(plan.stage);
    if (kind != StageKind::pretrain && kind != StageKind::main) continue;
    const Json found = stage_result(run, plan).at("summary");
    list.push_back({{"folder", kind == StageKind::main ? "." : "stages/" + plan.stage}});
    for (const char* key : {"method", "method_title", "labels", "accuracy", "word_error_rate", "linear_accuracy",
                            "knn_accuracy", "reconstruction_error", "steps", "train_seconds", "init"})
      if (found.contains(key)) list.back()[key] = found[key];
  }
  return list;
}

}  // namespace

RunSummary summary_of(const RunFolder& run, const std::vector<Plan>& stages, const Json& data) {
  const Json result = stage_result(run, main_stage(stages));
  Json summary = result.at("summary"), notes = result.at("notes"), detail = run.read_json(run.evaluation());
  if (!detail.is_object()) detail = Json::object();
  for (const Json& baseline : results(run, stages, StageKind::baseline)) {
    summary.update(baseline.at("summary"));
    detail["supervised"] = baseline.at("detail");
  }
  add_estimate(summary, notes, results(run, stages, StageKind::estimate),
               results(run, stages, StageKind::baseline_estimate), result.value("compared", std::vector<int64_t>()));
  const Json environment = run.read_json(run.environment());
  if (environment.is_object())
    for (const Json& note : environment.value("notes", Json::array())) notes.push_back(note);
  if (summary.contains("no_test")) {
    if (!summary.contains("estimated_accuracy"))
      notes.push_back(summary["no_test"].get<std::string>() +
                      ", so accuracy is unknown. `fewlabel evaluate RUN DATA` measures it on labelled examples that "
                      "were not trained on.");
    summary.erase("no_test");
  }
  if (Json list = chain_of(run, stages); list.size() > 1) summary["stages"] = std::move(list);
  summary["command"] = trim(read_file(run.command()));
  summary["version"] = FEWLABEL_VERSION;
  summary["machine"] = environment;
  summary["machine"].erase("notes");
  summary["data_hash"] = data.value("hash", Json::object());
  summary["damaged"] = {{"count", data["damaged"]["count"]}, {"names", Json::array()}};
  for (const Json& damage : data["damaged"]["examples"]) summary["damaged"]["names"].push_back(damage["name"]);
  summary["peak_memory_mb"] = peak_memory_mb();
  summary["notes"] = notes;
  return {std::move(summary), std::move(detail)};
}

}  // namespace fewlabel
