#include "app/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/findings.h"
#include "app/located.h"
#include "app/machine.h"
#include "app/method_settings.h"
#include "app/planning.h"
#include "app/setup.h"
#include "app/stage.h"
#include "app/watch.h"
#include "core/command.h"
#include "core/files.h"
#include "core/text.h"
#include "eval/saved_method.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "fewlabel/transform.h"
#include "fewlabel/version.h"
#include "kernels/convolution.h"
#include "plan/recipe.h"
#include "plan/resolve.h"
#include "report/html.h"
#include "report/summary_text.h"
#include "train/device.h"
#include "train/folders.h"
#include "train/machine.h"
#include "train/precision.h"

namespace fewlabel {
namespace {

constexpr double kBudgetShare = 0.96;  // of a time budget; the rest is evaluation and checkpoints
constexpr int64_t kSheets = 8;         // sheets of samples kept while a sampler trains

class Session {
 public:
  explicit Session(const RunRequest& request) : request_(request) {}

  Json run() {
    try {
      request_.resume ? reopen() : start();
      return finished_ ? folder_->read_json(folder_->summary()) : train();
    } catch (const std::exception& error) {
      if (!under_way_) throw;
      const Error told = as_error(error);
      record_failure(*folder_, status_, told);
      if (told.kind() == ErrorKind::storage && std::filesystem::exists(folder_->plan()))
        throw Error(told.kind(), told.where(), told.message(), "mend that, then go on with: " + resume_command());
      throw;
    }
  }

 private:
  void say(const std::string& text) const { fewlabel::say(request_.chatter, text + "\n"); }

  void begin() {
    status_.state = RunState::running;
    folder_->write_status(status_);
    under_way_ = true;
  }

  void start() {
    TrainConfig config = train_config(with_method_settings(request_.recipe), method_keys());
    TrainConfig written = config;  // what can be refused is refused before any work
    if (written.method.contains("name")) check_method(written);
    choose_device(written.train.device.value_or("auto"));
    adopt_initial(written);
    at::set_num_threads(static_cast<int>(config.train.threads.value_or(usable_threads())));
    kernels::enable(config.train.kernels);

    const bool unlabelled = learns_without_labels(config);
    data_ = open_data(config.data, !unlabelled);
    const PlanFacts facts{.found = data_.found,
                          .labeled = data_.labeled.size(),
                          .unlabeled = data_.unlabeled.size(),
                          .classes = static_cast<int64_t>(data_.dataset.classes.size()),
                          .threads = usable_threads(),
                          .bf16 = has_fast_bf16(),
                          .gpu = static_cast<bool>(gpu()),
                          .gpu_bf16 = gpu().bf16,
                          .learns_without_labels = unlabelled};
    std::vector<std::string> choices;
    if (!config.method.contains("name")) {  // only the data tell; now with what comes with the method
      const MethodChoice choice = choose_method(facts);
      Json named = request_.recipe;
      named["method"]["name"] = choice.name;
      config = train_config(with_method_settings(named), method_keys());
      choices.push_back(choice.sentence);
    }
    for (std::string& choice : fit_to_labels(config, request_.recipe, static_cast<int64_t>(data_.labeled.size())))
      choices.push_back(std::move(choice));
    for (std::string& choice : adopt_initial(config)) choices.push_back(std::move(choice));
    const Plan plan = resolve(config, facts);
    choices.insert(choices.end(), plan.choices.begin(), plan.choices.end());
    plan_ = plan.config;
    check_method(plan_);
    const Existing existing = request_.overwrite ? Existing::overwrite : Existing::refuse;
    if (!plan_.out.empty()) RunFolder::check(plan_.out, existing);
    try_out(choices);
    if (plan_.out.empty()) plan_.out = free_run_path("runs", data_.dataset.name + "-" + method_name(plan_)).string();
    folder_ = RunFolder::create(plan_.out, existing);
    begin();
    write_file(folder_->config(), to_toml(request_.recipe));
    write_file(folder_->command(), request_.command + "\n");
    Json environment = machine_facts();
    environment["working_folder"] = std::filesystem::current_path().string();
    folder_->write_json(folder_->environment(), environment);
    folder_->write_json(folder_->data(), describe_data(data_));
    save_plan();
  }

  /// Everything that a plan may get wrong, and the steps that fit into its minutes: before the folder is touched, lest
  /// it cost the run that stands there.
  void try_out(const std::vector<std::string>& choices) {
    for (const auto& policy : {plan_.augment.weak, plan_.augment.strong, plan_.augment.contrast})
      make_image_transform(*policy);
    load();
    introduce(choices);
    if (plan_.train.steps)
      Stage(data_, stage_options(plan_, {}));
    else
      plan_.train.steps = measured_steps(plan_, *plan_.train.minutes);
  }

  void reopen() {
    const std::string out = request_.recipe.value("out", std::string());
    folder_ = RunFolder::resume(out);
    remove_leftovers(folder_->path());
    status_ = folder_->status();
    if (status_.state == RunState::finished) {
      say(fmt::format("{} is finished; nothing is left to do", out));
      finished_ = true;
      return;
    }
    if (!std::filesystem::exists(folder_->plan()))
      throw Error(ErrorKind::usage, out, "was stopped before training began; there is nothing to go on with",
                  "start it anew: the same command without --resume");
    Json plan = parse_toml(read_file(folder_->plan()), folder_->plan().string());
    for (const std::string& text : request_.overrides) {
      Json before = plan;
      apply_override(plan, text);
      if (before != plan && !may_change_on_resume(text.substr(0, text.find('='))))
        throw Error(ErrorKind::usage, "train", fmt::format("{} would change a run that is under way", text),
                    "leave it out, or start a new run");
    }
    plan_ = train_config(plan);
    check_method(plan_);
    choose_device(*plan_.train.device);
    at::set_num_threads(static_cast<int>(*plan_.train.threads));
    kernels::enable(plan_.train.kernels);
    data_ = open_data(located(plan_.data, *folder_), !learns_without_labels(plan_));
    load();
    const Json before = folder_->read_json(folder_->data());
    if (before.is_object() && before.value("hash", Json()) != describe_data(data_)["hash"])
      throw Error(ErrorKind::data, plan_.data.path, "the data have changed since the run began",
                  "restore them, or start a new run");
    begin();
  }

  /// Pixels, their statistics, and the weights to start from.
  void load() {
    load_data(data_, plan_.data, usable_threads());
    normalization_ =
        measure_normalization(*data_.train, data_.unlabeled.size() ? data_.unlabeled.index : data_.labeled.index);
    if (plan_.init.empty()) return;
    initial_ = std::make_shared<InitialNet>(load_initial(folder_ ? located(plan_.init, *folder_) : plan_.init));
    if (initial_->hash != plan_.init_hash)
      throw Error(ErrorKind::usage, "init", fmt::format("{} holds other weights than the plan names", plan_.init),
                  "restore that run, or start a new one");
  }

  void introduce(const std::vector<std::string>& choices) const {
    const std::string test =
        data_.judge == Judge::none ? "" : fmt::format(", {} to test on", with_commas(data_.judged.size()));
    if (learns_without_labels(plan_))
      say(fmt::format("{}: {} examples, none of whose labels is used{}", data_.dataset.name,
                      with_commas(data_.labeled.size() + data_.unlabeled.size()), test));
    else
      say(fmt::format("{}: {} labelled and {} unlabelled examples of {} classes{}", data_.dataset.name,
                      with_commas(data_.labeled.size()), with_commas(data_.unlabeled.size()),
                      data_.dataset.classes.size(), test));
    for (const std::string& choice : choices) say("  " + choice);
    for (const ImageStore* store : {data_.train.get(), data_.test.get()})
      if (store && !store->damage().empty()) {
        say(fmt::format("{} damaged examples are left out:", store->damage().size()));
        for (std::size_t i = 0; i < std::min<std::size_t>(store->damage().size(), 10); ++i)
          say(fmt::format("  {}: {}", printable(store->damage()[i].name), printable(store->damage()[i].reason)));
        if (store->damage().size() > 10) say("  … (all of them are in data.json)");
      }
  }

  std::string resume_command() const {
    return fewlabel::resume_command(request_.resume_out.empty() ? plan_.out : request_.resume_out);
  }

  StageOptions stage_options(const TrainConfig& plan, const std::filesystem::path& checkpoints) const {
    return {.plan = plan,
            .normalization = normalization_,
            .checkpoints = checkpoints,
            .resume_command = resume_command(),
            .identity = Json{{"plan", plan_identity(plan)}},
            .initial = plan.init.empty() ? nullptr : initial_};
  }

  int64_t measured_steps(TrainConfig plan, double minutes) const {
    plan.train.steps = 1;
    Stage stage(data_, stage_options(plan, {}));
    const double seconds = stage.trainer().measure_step_seconds();
    const auto steps = std::max<int64_t>(20, static_cast<int64_t>(minutes * 60 * kBudgetShare / seconds));
    say(fmt::format("{}: {:.0f} ms a step, so {} steps in {}", method_name(plan), seconds * 1e3, with_commas(steps),
                    duration(minutes * 60)));
    return steps;
  }

  void save_plan() const { write_file(folder_->plan(), to_toml(to_json(plan_))); }

  Json train() {
    RunWatch watch(*folder_, status_, request_.chatter);
    std::unique_ptr<Stage> stage;
    TrainerHooks hooks = watch.main_hooks();
    hooks.on_evaluate = [&](int64_t step) {
      if (const auto figures = monitored(*stage, data_, plan_, normalization_); !figures.empty())
        watch.add(step, figures);
      keep_sheet(*stage, step);
    };
    stage = std::make_unique<Stage>(data_, stage_options(plan_, folder_->checkpoints()), std::move(hooks));
    if (!request_.resume && !stage->initial_sentence().empty()) say(stage->initial_sentence());
    watch.begin(method_name(plan_));
    if (const int64_t step = stage->trainer().resume(); request_.resume) {
      watch.resume_at(step);
      sheet_ = step * kSheets / *plan_.train.steps;
      say(fmt::format("going on from step {}", with_commas(step)));
    }
    stage->trainer().run();
    watch.end();

    const AverageScope averaged = stage->trainer().averaged();
    save_method(folder_->model(), stage->method(), stage->card());
    Findings found = measure(*stage, data_, plan_, normalization_);
    if (!found.predictions.empty()) write_file(folder_->predictions(), found.predictions);
    Json summary = {{"name", folder_->name()},
                    {"data", to_string(data_.split)},
                    {"labels", learns_without_labels(plan_) ? 0 : data_.labeled.size()},
                    {"unlabeled", data_.unlabeled.size() + (learns_without_labels(plan_) ? data_.labeled.size() : 0)},
                    {"classes", data_.dataset.classes.size()},
                    {"method", method_name(plan_)},
                    {"method_title", find_method(method_name(plan_)).title},
                    {"family", find_method(method_name(plan_)).family},
                    {"net", *plan_.net.name},
                    {"parameters", stage->parameters()}};
    summary.update(found.summary);
    if (!plan_.init.empty()) summary["init"] = stage->initial_sentence();
    summary["train_seconds"] = watch.seconds();
    summary["steps"] = *plan_.train.steps;
    summary["seed"] = plan_.seed;
    summary["images_per_second"] = watch.images_per_second();
    summary["wait_share"] = watch.wait_share();
    if (*plan_.baseline == "supervised" && summary.contains("accuracy") && method_name(plan_) != "supervised")
      baseline(watch, summary, found.detail);
    finish(summary, found);
    return summary;
  }

  /// Everything that is not a finding, and the files.
  void finish(Json& summary, const Findings& found) {
    summary["command"] = trim(read_file(folder_->command()));
    summary["version"] = FEWLABEL_VERSION;
    summary["machine"] = folder_->read_json(folder_->environment());
    const Json data_json = describe_data(data_);  // anew: what is not kept in memory may turn out damaged on the way
    folder_->write_json(folder_->data(), data_json);
    summary["data_hash"] = data_json.value("hash", Json::object());
    summary["damaged"] = {{"count", data_json["damaged"]["count"]}, {"names", Json::array()}};
    for (const Json& damage : data_json["damaged"]["examples"]) summary["damaged"]["names"].push_back(damage["name"]);
    summary["peak_memory_mb"] = peak_memory_mb();
    summary["notes"] = found.notes;
    folder_->write_json(folder_->evaluation(), found.detail);
    folder_->write_json(folder_->summary(), summary);
    status_.state = RunState::finished;
    status_.step = status_.steps = *plan_.train.steps;
    status_.exit_code = 0;
    // Last, so that whatever --resume finds finished is whole.
    write_report(*folder_, RunState::finished);
    folder_->write_status(status_);
    fewlabel::say(request_.chatter, summary_text(summary, folder_->report().string()));
  }

  /// A sheet of samples, at eight moments of the training.
  void keep_sheet(Stage& stage, int64_t step) {
    auto* sampler = dynamic_cast<Sampler*>(&stage.method());
    const int64_t part = step * kSheets / *plan_.train.steps;
    if (!sampler || part == sheet_) return;
    sheet_ = part;
    make_folder(folder_->samples());
    write_file(
        folder_->samples() / fmt::format("step-{:08}.png", step),
        sample_sheet(*sampler, static_cast<int64_t>(data_.dataset.classes.size()), static_cast<uint64_t>(plan_.seed)));
  }

  void baseline(RunWatch& watch, Json& summary, Json& detail) {
    TrainConfig plan = baseline_of(plan_);
    check_method(plan);
    if (!plan_.baseline_steps) {
      plan_.baseline_steps = measured_steps(plan, plan_.baseline_minutes.value_or(watch.seconds() / 60));
      save_plan();
    }
    plan.train.steps = plan_.baseline_steps;
    const std::filesystem::path folder = folder_->path() / "baseline";
    double seconds = 0;
    Stage stage(data_, stage_options(plan, folder / "checkpoints"), watch.side_hooks(seconds));
    watch.begin("supervised baseline");
    if (stage.trainer().resume() > 0) say(fmt::format("going on from step {}", with_commas(stage.trainer().step())));
    stage.trainer().run();
    watch.end();
    const AverageScope averaged = stage.trainer().averaged();
    const Findings found = measure(stage, data_, plan, normalization_);
    summary["supervised_accuracy"] = found.summary["accuracy"];
    summary["supervised_low"] = found.summary["accuracy_low"];
    summary["supervised_high"] = found.summary["accuracy_high"];
    summary["supervised_seconds"] = seconds;
    summary["supervised_steps"] = *plan.train.steps;
    detail["supervised"] = {{"confusion", found.detail["confusion"]}, {"per_class", found.detail["per_class"]}};
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);  // it was there for a resume
  }

  const RunRequest& request_;
  TrainConfig plan_;
  PreparedData data_;
  Normalization normalization_;
  std::shared_ptr<const InitialNet> initial_;
  std::optional<RunFolder> folder_;
  RunStatus status_;
  int64_t sheet_ = 0;
  bool finished_ = false, under_way_ = false;
};

}  // namespace

Json train_run(const RunRequest& request) { return Session(request).run(); }

void record_failure(RunFolder& folder, RunStatus status, const Error& error) {
  const bool stopped = error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::terminated;
  status.state = stopped ? RunState::interrupted : RunState::failed;
  status.exit_code = exit_code(error.kind());
  status.message = error.message();
  try {
    folder.write_status(status);
  } catch (const Error&) {  // a full disk is the likely cause already; the first error is the one to report
  }
}

std::string resume_command(const std::string& out) { return "fewlabel train --resume " + shell_word("out=" + out); }

}  // namespace fewlabel
