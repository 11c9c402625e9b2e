#include "app/runner.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <optional>

#include "app/estimate.h"
#include "app/findings.h"
#include "app/learnt_from.h"
#include "app/machine.h"
#include "app/planner.h"
#include "app/planning.h"
#include "app/recipe_stages.h"
#include "app/run_stages.h"
#include "app/run_summary.h"
#include "app/stage.h"
#include "app/watch.h"
#include "app/workspace.h"
#include "core/cancel.h"
#include "core/command.h"
#include "core/files.h"
#include "core/text.h"
#include "eval/classify.h"
#include "kernels/convolution.h"
#include "plan/recipe.h"
#include "report/html.h"
#include "report/summary_text.h"
#include "train/device.h"
#include "train/folders.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kSheets = 8;  // sheets of samples kept while a sampler trains

void record_failure(RunFolder& folder, RunStatus status, const Error& error) {
  status.state = is_stop(error.kind()) ? RunState::interrupted : RunState::failed;
  status.exit_code = exit_code(error.kind());
  status.message = error.message();
  try {
    folder.write_status(status);
  } catch (const Error&) {  // a full disk is the likely cause already; the first error is the one to report
  }
}

class Runner {
 public:
  explicit Runner(const RunRequest& request) : request_(request) {}

  Json run() {
    try {
      request_.resume ? reopen() : start();
      if (finished_) return folder_->read_json(folder_->summary());
      for (std::size_t i = 0; i < stages_.size(); ++i) carry_out(i);
      return finish();
    } catch (const std::exception& error) {
      if (!under_way_) throw;
      const Error told = as_error(error);
      record_failure(*folder_, status_, told);
      if (told.kind() == ErrorKind::storage)
        throw Error(told.kind(), told.where(), told.message(), "mend that, then go on with: " + resume());
      if (is_stop(told.kind()) && told.hint().empty())
        throw Error(told.kind(), told.where(), told.message(), "what is trained was saved; go on with: " + resume());
      throw;
    }
  }

 private:
  void say(const std::string& text) const { fewlabel::say(request_.chatter, text + "\n"); }
  std::string resume() const { return resume_command(folder_->path().string()); }

  void begin() {
    status_.state = RunState::running;
    status_.exit_code = 0;
    status_.message.clear();
    folder_->write_status(status_);
    under_way_ = true;
  }

  void start() {
    const Existing existing = request_.overwrite ? Existing::overwrite : Existing::refuse;
    const std::string wanted = request_.recipe.value("out", std::string());
    if (!wanted.empty()) RunFolder::check(wanted, existing);
    RunPlan plan = plan_run(request_, workspace_);
    stages_ = std::move(plan.stages);
    conduct_ = std::move(plan.conduct);
    const std::string out =
        !wanted.empty() ? wanted : free_run_path("runs", plan.data_name + "-" + method_name(main().method)).string();
    folder_ = RunFolder::create(out, existing);
    begin();
    write_file(folder_->config(), to_toml(written()), Durability::durable);
    write_file(folder_->command(), request_.command + "\n", Durability::durable);
    Json environment = machine_facts();
    environment["working_folder"] = fs::current_path().string();
    environment["notes"] = plan.notes;
    folder_->write_json(folder_->environment(), environment);
    save_stages(*folder_, stages_);
  }

  /// The recipe with what was typed; of a chain every stage by itself, as overrides win over its tables, too.
  Json written() const {
    if (!is_chain(request_.recipe)) return request_.recipe;
    Json list = Json::array();
    for (StageRecipe& stage : stage_recipes(request_.recipe, request_.overrides))
      list.push_back(std::move(stage.recipe));
    return {{"stage", list}};
  }

  void reopen() {
    const std::string out = request_.recipe.value("out", std::string());
    folder_ = RunFolder::resume(out);
    remove_leftovers(folder_->path());
    status_ = folder_->status();
    finished_ = status_.state == RunState::finished;
    Json recipe = Json::object();
    if (fs::exists(folder_->config())) recipe = parse_toml(read_file(folder_->config()), folder_->config().string());
    if (!finished_) stages_ = load_stages(*folder_);
    refuse_changes(recipe, out);
    if (finished_) {
      say(fmt::format("{} is finished; nothing is left to do", out));
      return;
    }
    conduct_.assign(stages_.size(), conduct_of(recipe));
    begin();
  }

  /// How a training is carried out may change; what it trains may not.
  void refuse_changes(const Json& recipe, const std::string& out) const {
    Json plan;
    if (fs::exists(folder_->plan())) plan = parse_toml(read_file(folder_->plan()), folder_->plan().string());
    for (const std::string& text : request_.overrides) {
      const std::string key = trim(text.substr(0, text.find('=')));
      if (may_change_on_resume(key)) continue;
      const auto changes = [&](Json before) {
        const Json same = before;
        apply_override(before, text);
        return before != same;
      };
      if (!changes(recipe) || (plan.is_object() && !changes(plan))) continue;
      throw Error(ErrorKind::usage, "train",
                  finished_ ? fmt::format("{} is finished, and {} would make another run of it", out, text)
                            : fmt::format("{} would change a run that is under way", text),
                  finished_ ? "start a new run, from its weights if you like: " + shell_word("init=" + out) + " " +
                                  shell_word(text) + " out=NAME"
                            : "leave it out, or start a new run");
    }
  }

  /// [train] as written, of the last stage of a chain, with what was typed now on top.
  Conduct conduct_of(Json recipe) const {
    if (is_chain(recipe)) recipe = stage_recipes(recipe, {}).back().recipe;
    for (const std::string& text : request_.overrides)
      if (may_change_on_resume(trim(text.substr(0, text.find('='))))) apply_override(recipe, text);
    Conduct conduct = train_config(recipe).train;
    choose_device(conduct.device.value_or("auto"));
    return conduct;
  }

  const Plan& main() const { return main_stage(stages_); }

  RunFolder folder_of(const Plan& plan) const {
    return plan.stage == "main" ? *folder_ : RunFolder::open(stage_folder(*folder_, plan.stage));
  }

  void carry_out(std::size_t i) {
    const Plan& plan = stages_[i];
    const StageKind kind = kind_of(plan.stage);
    if (!stage_result(*folder_, plan).is_null()) return;
    at::set_num_threads(static_cast<int>(plan.train.threads));
    kernels::enable(plan.train.kernels);
    status_.stage = plan.stage;
    folder_->write_status(status_);
    const std::shared_ptr<const StageData> whole = workspace_.data(plan, &*folder_);
    check_data(plan, whole->data);
    if (kind == StageKind::pretrain || kind == StageKind::main)
      train_and_measure(plan, conduct_[i], *whole);
    else if (kind == StageKind::baseline)
      train_baseline(plan, conduct_[i], *whole);
    else
      train_fold(plan, conduct_[i], *whole);
    std::error_code ignored;  // they were there for a resume, and the result is written
    fs::remove_all(stage_folder(*folder_, plan.stage) / "checkpoints", ignored);
  }

  /// The first time the data are described; later they must be the same.
  void check_data(const Plan& plan, const PreparedData& data) {
    const StageKind kind = kind_of(plan.stage);
    const fs::path file =
        (kind == StageKind::pretrain ? stage_folder(*folder_, plan.stage) : folder_->path()) / "data.json";
    if (kind != StageKind::pretrain && kind != StageKind::main &&
        plan.data.virtual_examples != main().data.virtual_examples)
      return;  // without the examples that a generator made, the description is another
    const Json now = describe_data(data), before = folder_->read_json(file);
    if (!before.is_object())
      folder_->write_json(file, now);
    else if (before.value("hash", Json()) != now["hash"])
      throw Error(ErrorKind::data, plan.data.path, "the data have changed since the run began",
                  "restore them, or start a new run");
  }

  StageOptions options_of(const Plan& plan, const Conduct& conduct, const Normalization& rule) const {
    return {.plan = plan,
            .conduct = conduct,
            .normalization = rule,
            .checkpoints = stage_folder(*folder_, plan.stage) / "checkpoints",
            .resume_command = resume(),
            .identity = Json{{"plan", plan_identity(plan)}},
            .initial = initial_weights(plan, &*folder_, rule.layout),
            .bank = workspace_.features()};
  }

  /// Trains from where it stands.
  void train(Stage& stage, RunWatch& watch, const std::string& name, bool logs) {
    const int64_t step = stage.resume();
    watch.begin(name);
    if (logs) watch.resume_at(step);
    if (step > 0) say(fmt::format("going on from step {}", with_commas(step)));
    stage.run();
    watch.end();
  }

  void train_and_measure(const Plan& plan, const Conduct& conduct, const StageData& data) {
    RunFolder folder = folder_of_new(plan);
    RunWatch watch(folder, *folder_, status_, request_.chatter);
    std::unique_ptr<Stage> stage;
    int64_t sheet = 0;
    TrainerHooks hooks = watch.main_hooks();
    hooks.on_evaluate = [&](int64_t step) {
      if (const auto figures = monitored(*stage, data.data, plan, data.rule); !figures.empty())
        watch.add(step, figures);
      keep_sheet(*stage, folder, data.data, step, sheet);
    };
    const StageOptions options = options_of(plan, conduct, data.rule);
    stage = std::make_unique<Stage>(data.data, options, std::move(hooks));
    if (!stage->initial_sentence().empty()) say(stage->initial_sentence());
    if (stages_.size() > 1 && kind_of(plan.stage) == StageKind::pretrain) say(fmt::format("stage {}", plan.stage));
    train(*stage, watch, method_name(plan.method), true);

    const AverageScope averaged = stage->averaged();
    save_method(folder.model(), stage->method(), stage->card());
    keep_learnt(folder.model(), data.data, stage->method(), options.initial.get());
    Findings found = measure(*stage, data.data, plan, data.rule);
    if (!found.predictions.empty()) write_file(folder.predictions(), found.predictions, Durability::durable);
    folder.write_json(folder.evaluation(), found.detail);
    const bool unlabelled = learns_without_labels(plan.method);
    const MethodInfo& info = find_method(method_name(plan.method));
    Json summary = {{"name", folder.name()},
                    {"data", to_string(data.data.split)},
                    {"title", data.data.dataset.title},
                    {"labels", unlabelled ? 0 : data.data.labeled.size()},
                    {"unlabeled", data.data.unlabeled.size() + (unlabelled ? data.data.labeled.size() : 0)},
                    {"classes", data.data.dataset.classes.size()},
                    {"method", info.name},
                    {"method_title", info.title},
                    {"family", info.family},
                    {"net", plan.net.name},
                    {"parameters", stage->parameters()}};
    summary.update(found.summary);
    if (!stage->initial_sentence().empty()) summary["init"] = stage->initial_sentence();
    summary["train_seconds"] = watch.seconds();
    summary["steps"] = stage->step();
    summary["seed"] = plan.seed;
    summary["examples_per_second"] = watch.examples_per_second();
    summary["wait_share"] = watch.wait_share();
    if (data.data.judge == Judge::none && !unlabelled) summary["no_test"] = no_test(data.data);
    if (const std::string said = stage->sentence(); !said.empty()) {
      say(said);
      found.notes.push_back(said);
    }
    Json result = {{"summary", summary}, {"notes", found.notes}};
    if (has_estimates() && kind_of(plan.stage) == StageKind::main) result["compared"] = compared(*stage, data.data);
    if (kind_of(plan.stage) == StageKind::pretrain) {
      summary["notes"] = found.notes;
      folder.write_json(folder.summary(), summary);
      write_report(folder, RunState::finished);
    }
    save_result(*folder_, plan, std::move(result));
  }

  /// A pretrain stage has a folder that can be looked at as a run.
  RunFolder folder_of_new(const Plan& plan) const {
    const fs::path path = stage_folder(*folder_, plan.stage);
    if (plan.stage != "main" && !fs::exists(path / "config.toml")) copy_whole(folder_->config(), path / "config.toml");
    return folder_of(plan);
  }

  bool has_estimates() const {
    return std::any_of(stages_.begin(), stages_.end(),
                       [](const Plan& plan) { return kind_of(plan.stage) == StageKind::estimate; });
  }

  static std::vector<int64_t> compared(Stage& stage, const PreparedData& data) {
    Pool pool = part_of(data.unlabeled, kCompared);
    drop_damaged(pool, *data.train);
    if (pool.size() == 0 || !stage.classifier()) return {};
    const torch::NoGradGuard no_gradient;
    return best_classes(stage.logits(*data.train, pool.index));
  }

  /// A sheet of samples, at eight moments of the training.
  void keep_sheet(Stage& stage, const RunFolder& folder, const PreparedData& data, int64_t step, int64_t& sheet) const {
    auto* sampler = dynamic_cast<Sampler*>(&stage.method());
    const int64_t part = step * kSheets / std::max<int64_t>(stage.steps(), 1);
    if (!sampler || part == sheet) return;
    sheet = part;
    make_folder(folder.samples());
    write_file(
        folder.samples() / fmt::format("step-{:08}.png", step),
        sample_sheet(*sampler, static_cast<int64_t>(data.dataset.classes.size()), static_cast<uint64_t>(main().seed)),
        Durability::atomic);
  }

  void train_baseline(const Plan& plan, const Conduct& conduct, const StageData& data) {
    RunWatch watch(*folder_, *folder_, status_, request_.chatter);
    double seconds = 0;
    Stage stage(data.data, options_of(plan, conduct, data.rule), watch.side_hooks(seconds));
    train(stage, watch, "supervised baseline", false);
    const AverageScope averaged = stage.averaged();
    const Findings found = measure(stage, data.data, plan, data.rule, Depth::figures);
    Json summary;
    for (const auto& [key, from] : {std::pair{"supervised_accuracy", "accuracy"},
                                    {"supervised_low", "accuracy_low"},
                                    {"supervised_high", "accuracy_high"},
                                    {"supervised_word_error_rate", "word_error_rate"},
                                    {"supervised_character_error_rate", "character_error_rate"}})
      if (found.summary.contains(from)) summary[key] = found.summary[from];
    summary["supervised_seconds"] = seconds;
    summary["supervised_steps"] = stage.step();
    Json detail = Json::object();
    for (const char* key : {"confusion", "per_class"})
      if (found.detail.contains(key)) detail[key] = found.detail[key];
    save_result(*folder_, plan, {{"summary", summary}, {"detail", detail}});
  }

  void train_fold(const Plan& plan, const Conduct& conduct, const StageData& whole) {
    const PreparedData data = without_fold(whole.data, plan.fold, plan.folds, plan.seed);
    RunWatch watch(*folder_, *folder_, status_, request_.chatter);
    double seconds = 0;
    Stage stage(data, options_of(plan, conduct, whole.rule), watch.side_hooks(seconds));
    train(stage, watch,
          fmt::format("{} {}/{}", kind_of(plan.stage) == StageKind::estimate ? "estimate" : "baseline estimate",
                      plan.fold, plan.folds),
          false);
    const AverageScope averaged = stage.averaged();
    const torch::NoGradGuard no_gradient;
    const Tensor logits = data.judged.size() > 0 ? stage.logits(*data.train, data.judged.index)
                                                 : torch::zeros({0, static_cast<int64_t>(data.dataset.classes.size())});
    const bool compares = kind_of(plan.stage) == StageKind::estimate;
    save_result(*folder_, plan, fold_result(logits, data, compares ? compared(stage, data) : std::vector<int64_t>()));
  }

  /// From the results of all stages to summary, report and the end.
  Json finish() {
    // Anew: what is not kept in memory may turn out damaged on the way.
    const Json data = describe_data(workspace_.data(main(), &*folder_)->data);
    folder_->write_json(folder_->data(), data);
    const RunSummary found = summary_of(*folder_, stages_, data);
    folder_->write_json(folder_->evaluation(), found.detail);
    folder_->write_json(folder_->summary(), found.summary);
    status_.state = RunState::finished;
    status_.step = status_.steps = found.summary.value("steps", int64_t{0});
    status_.stage.clear();
    status_.exit_code = 0;
    // Last, so that whatever --resume finds finished is whole.
    write_report(*folder_, RunState::finished);
    folder_->write_status(status_);
    fewlabel::say(request_.chatter, summary_text(found.summary, folder_->report().string()));
    return found.summary;
  }

  const RunRequest& request_;
  Workspace workspace_;
  std::vector<Plan> stages_;
  std::vector<Conduct> conduct_;  // of each
  std::optional<RunFolder> folder_;
  RunStatus status_;
  bool finished_ = false, under_way_ = false;
};

}  // namespace

Json run_stages(const RunRequest& request) { return Runner(request).run(); }

Json dry_run(const RunRequest& request) {
  Workspace workspace;
  const RunPlan run = plan_run(request, workspace);
  Json stages = Json::array();
  for (const Plan& plan : run.stages) stages.push_back(to_json(plan));
  say(request.chatter, plan_summary(run, *workspace.data(main_stage(run.stages), nullptr)));
  return {{"stages", stages}, {"step_seconds", run.step_seconds}, {"notes", run.notes}};
}

std::string resume_command(const std::string& out) { return "fewlabel train --resume " + shell_word("out=" + out); }

}  // namespace fewlabel
