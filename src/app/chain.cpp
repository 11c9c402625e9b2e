#include "app/chain.h"

#include <fmt/format.h>

#include <filesystem>

#include "app/method_settings.h"
#include "app/planning.h"
#include "app/watch.h"
#include "core/files.h"
#include "core/json_text.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "fewlabel/run.h"
#include "plan/recipe.h"
#include "report/html.h"
#include "report/summary_text.h"
#include "train/folders.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr double kMinutes = 5;  // of a stage that says none, when a budget is shared

bool is_of_one_stage(const std::string& override_text) { return override_text.starts_with("stage."); }

/// What the stage says, else the recipe; both are yet unchecked.
double minutes_of(const Json& stage, const Json& recipe) {
  for (const Json* table : {&stage, &recipe}) {
    const Json minutes = table->value("/train/minutes"_json_pointer, Json("auto"));
    if (minutes.is_number() && minutes.get<double>() > 0) return minutes.get<double>();
    if (minutes != "auto")
      throw Error(ErrorKind::usage, "config",
                  fmt::format("train.minutes = {}: wanted a number above 0", json_text(minutes)));
  }
  return kMinutes;
}

class Chain {
 public:
  explicit Chain(const RunRequest& request) : request_(request) {}

  Json run() {
    try {
      request_.resume ? reopen() : start();
      return finished_ ? folder_->read_json(folder_->summary()) : train();
    } catch (const std::exception& error) {
      if (under_way_) record_failure(*folder_, status_, as_error(error));
      throw;
    }
  }

 private:
  void say(const std::string& text) const { fewlabel::say(request_.chatter, text); }

  void start() {
    std::string out = request_.recipe.value("out", std::string());
    if (out.empty()) out = free_run_path("runs", "chain").string();
    stages_ = stage_recipes(request_.recipe, request_.overrides, out);
    folder_ = RunFolder::create(out, request_.overwrite ? Existing::overwrite : Existing::refuse);
    begin();
    write_file(folder_->config(), to_toml({{"out", out}, {"stage", stages_}}));
    write_file(folder_->command(), request_.command + "\n");
  }

  void reopen() {
    const std::string out = request_.recipe.value("out", std::string());
    folder_ = RunFolder::resume(out);
    status_ = folder_->status();
    if (status_.state == RunState::finished) {
      say(fmt::format("{} is finished; nothing is left to do\n", out));
      finished_ = true;
      return;
    }
    stages_ = stage_recipes(parse_toml(read_file(folder_->config()), folder_->config().string()), {}, out);
    begin();
  }

  void begin() {
    status_.state = RunState::running;
    status_.steps = static_cast<int64_t>(stages_.size());
    folder_->write_status(status_);
    under_way_ = true;
  }

  Json train() {
    Json summary, list = Json::array();
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const fs::path path = stages_[i].at("out").get<std::string>();
      say(fmt::format("{}stage {} of {}\n", i ? "\n" : "", i + 1, stages_.size()));
      summary = train_run(stage_request(stages_[i], path));
      list.push_back({{"folder", path.filename().string()}});
      for (const char* key : {"method", "method_title", "labels", "accuracy", "linear_accuracy", "knn_accuracy",
                              "reconstruction_error", "steps", "train_seconds", "init"})
        if (summary.contains(key)) list.back()[key] = summary[key];
      status_.step = static_cast<int64_t>(i) + 1;
      folder_->write_status(status_);
    }
    return finish(std::move(summary), list);
  }

  RunRequest stage_request(const Json& recipe, const fs::path& path) const {
    RunRequest request{.recipe = recipe,
                       .overrides = {},
                       .resume = false,
                       .overwrite = true,
                       .chatter = request_.chatter,
                       .command = request_.command,
                       .resume_out = folder_->path().string()};
    if (request_.resume && fs::exists(path / "plan.toml")) {
      request.resume = true;
      request.overwrite = false;
      for (const std::string& text : request_.overrides)
        if (!text.starts_with("out=")) request.overrides.push_back(text);
    }
    return request;
  }

  /// The results of the last stage become those of the whole.
  Json finish(Json summary, const Json& list) {
    const fs::path last = stages_.back().at("out").get<std::string>();
    for (const char* name : {"plan.toml", "data.json", "env.json", "evaluation.json", "metrics.jsonl",
                             "predictions.csv", "samples", "model"}) {
      std::error_code ignored;
      if (fs::exists(last / name))
        copy_whole(last / name, folder_->path() / name);
      else
        fs::remove_all(folder_->path() / name, ignored);
    }
    summary["name"] = folder_->name();
    summary["command"] = trim(read_file(folder_->command()));
    summary["stages"] = list;
    folder_->write_json(folder_->summary(), summary);
    write_report(*folder_, RunState::finished);
    status_.state = RunState::finished;
    status_.exit_code = 0;
    folder_->write_status(status_);
    say("\nall stages\n" + summary_text(summary, folder_->report().string()));
    return summary;
  }

  const RunRequest& request_;
  std::vector<Json> stages_;
  std::optional<RunFolder> folder_;
  RunStatus status_;
  bool finished_ = false, under_way_ = false;
};

}  // namespace

bool is_chain(const Json& recipe) { return recipe.contains("stage"); }

std::vector<Json> stage_recipes(const Json& recipe, const std::vector<std::string>& overrides, const std::string& out) {
  const Json& tables = recipe.at("stage");
  if (!tables.is_array() || tables.empty())
    throw Error(ErrorKind::usage, "recipe", "stage is no list of tables", "write each stage as [[stage]]");
  Json shared = recipe;
  shared.erase("stage");
  std::vector<Json> stages;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    Json own = shared;
    if (i > 0) own["init"] = stages.back()["out"];
    if (tables[i].contains("method")) own.erase("method");  // the settings of one method mean nothing to another
    own.merge_patch(tables[i]);
    for (const std::string& text : overrides)
      if (!is_of_one_stage(text)) apply_override(own, text);
    own["out"] = (fs::path(out) / fmt::format("stage-{}", i + 1)).string();
    try {
      TrainConfig config = train_config(with_method_settings(own), method_keys());
      if (config.method.contains("name")) check_method(config);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("stage {}, {}", i + 1, error.where()), error.message(), error.hint());
    }
    stages.push_back(std::move(own));
  }
  return stages;
}

void share_minutes(Json& recipe, double minutes) {
  std::vector<double> own;
  double sum = 0;
  for (const Json& stage : recipe.at("stage")) {
    own.push_back(minutes_of(stage, recipe));
    sum += own.back();
  }
  if (recipe.contains("train")) recipe["train"].erase("steps");
  for (std::size_t i = 0; i < own.size(); ++i) {
    Json& stage = recipe["stage"][i];
    stage["train"]["minutes"] = minutes * own[i] / sum;
    stage["train"].erase("steps");
  }
}

Json train_chain(const RunRequest& request) { return Chain(request).run(); }

}  // namespace fewlabel
