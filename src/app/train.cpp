// `fewlabel train`: data, plan, training, baseline, evaluation, run folder.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "app/app.h"
#include "app/evaluation.h"
#include "app/machine.h"
#include "app/method_settings.h"
#include "app/setup.h"
#include "app/stage.h"
#include "core/cancel.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"
#include "eval/model.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "fewlabel/version.h"
#include "plan/recipe.h"
#include "plan/resolve.h"
#include "report/html.h"
#include "report/metric_log.h"
#include "report/summary_text.h"
#include "train/machine.h"
#include "train/precision.h"
#include "train/progress.h"

namespace fewlabel {
namespace {

constexpr int64_t kMonitored = 2000;   // examples that the accuracy in the curves is measured on
constexpr double kBudgetShare = 0.96;  // of a time budget; the rest is evaluation and checkpoints

/// Overrides that do not change the weights a resumed run ends with.
bool may_change_on_resume(const std::string& key) {
  return key == "out" || key == "train.workers" || key == "train.checkpoint_seconds" || key == "train.checkpoints";
}

class Session {
 public:
  explicit Session(const TrainRequest& request) : request_(request) {}

  Json run() {
    watch_signals();
    tune_allocator();
    if (request_.resume)
      reopen();
    else
      start();
    if (finished_) return folder_->read_json(folder_->summary());
    try {
      return train();
    } catch (const Error& error) {
      const bool stopped = error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::terminated;
      status_.state = stopped ? RunState::interrupted : RunState::failed;
      status_.exit_code = exit_code(error.kind());
      status_.message = error.message();
      try {
        folder_->write_status(status_);
      } catch (const Error&) {  // a full disk is the likely cause already; the first error is the one to report
      }
      throw;
    }
  }

 private:
  void say(const std::string& text) const {
    if (request_.chatter == Chatter::bar || request_.chatter == Chatter::plain) fmt::print(stderr, "{}\n", text);
  }

  void start() {
    Json recipe = read_recipe(request_.recipe, request_.overrides);
    if (request_.minutes > 0) {
      recipe["train"]["minutes"] = request_.minutes;
      recipe["train"].erase("steps");
    }
    TrainConfig config = train_config(with_method_settings(recipe));
    if (TrainConfig written = config; written.method.contains("name")) check_method(written);  // before any work
    const bool fixed_steps = config.train.steps.has_value();
    at::set_num_threads(static_cast<int>(config.train.threads.value_or(usable_threads())));

    data_ = open_data(config.data, labels_needed(config));
    const PlanFacts facts{.found = data_.found,
                          .labeled = data_.labeled.size(),
                          .unlabeled = data_.unlabeled.size(),
                          .classes = static_cast<int64_t>(data_.dataset.classes.size()),
                          .threads = usable_threads(),
                          .bf16 = has_fast_bf16()};
    std::vector<std::string> choices;
    if (!config.method.contains("name")) {  // only the data tell; now with what comes with the method
      const MethodChoice choice = choose_method(facts);
      Json named = recipe;
      named["method"]["name"] = choice.name;
      config = train_config(with_method_settings(named));
      choices.push_back(choice.sentence);
    }
    const Plan plan = resolve(config, facts);
    choices.insert(choices.end(), plan.choices.begin(), plan.choices.end());
    plan_ = plan.config;
    check_method(plan_);
    const std::filesystem::path path = plan_.out.empty()
                                           ? free_run_path("runs", data_.dataset.name + "-" + method_name())
                                           : std::filesystem::path(plan_.out);
    folder_ = RunFolder::create(path, request_.overwrite ? Existing::overwrite : Existing::refuse);
    plan_.out = path.string();
    status_.state = RunState::running;
    folder_->write_status(status_);
    write_file(folder_->config(), to_toml(recipe));
    write_file(folder_->command(), request_.command + "\n");
    folder_->write_json(folder_->environment(), machine_facts());

    load_data(data_, plan_.data, usable_threads());
    folder_->write_json(folder_->data(), describe_data(data_));
    normalization_ =
        measure_normalization(*data_.train, data_.unlabeled.size() ? data_.unlabeled.index : data_.labeled.index);
    introduce(choices);
    if (!fixed_steps) plan_.train.steps = measured_steps(plan_, *plan_.train.minutes);
    save_plan();
  }

  void reopen() {
    const Json recipe = read_recipe(request_.recipe, request_.overrides);
    const std::string out = recipe.value("out", std::string());
    if (out.empty())
      throw Error(ErrorKind::usage, "train", "--resume needs the run to go on with", "fewlabel train --resume out=RUN");
    folder_ = RunFolder::resume(out);
    status_ = folder_->status();
    if (status_.state == RunState::finished) {
      say(fmt::format("{} is finished; nothing is left to do", out));
      finished_ = true;
      return;
    }
    if (!std::filesystem::exists(folder_->plan()))
      throw Error(ErrorKind::usage, out, "was stopped before training began; there is nothing to go on with",
                  "start it anew with --overwrite");
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
    at::set_num_threads(static_cast<int>(*plan_.train.threads));
    data_ = open_data(plan_.data, labels_needed(plan_));
    load_data(data_, plan_.data, usable_threads());
    const Json before = folder_->read_json(folder_->data());
    if (before.is_object() && before.value("hash", Json()) != describe_data(data_)["hash"])
      throw Error(ErrorKind::data, plan_.data.path, "the data have changed since the run began",
                  "restore them, or start a new run");
    normalization_ =
        measure_normalization(*data_.train, data_.unlabeled.size() ? data_.unlabeled.index : data_.labeled.index);
    status_.state = RunState::running;
    folder_->write_status(status_);
  }

  static bool labels_needed(const TrainConfig& config) {
    return !config.method.contains("name") ||
           !find_method(config.method.at("name").get<std::string>()).learns_without_labels();
  }

  std::string method_name() const { return plan_.method.at("name").get<std::string>(); }

  /// Refuses unknown names and fields before anything is written, and writes defaults out.
  static void check_method(TrainConfig& config) {
    const MethodInfo& info = find_method(config.method.at("name").get<std::string>());
    Json own = config.method;
    own.erase("name");
    Json resolved = Json{{"name", info.name}};
    resolved.update(info.resolve(own));
    config.method = resolved;
  }

  void introduce(const std::vector<std::string>& choices) const {
    say(fmt::format(
        "{}: {} labelled and {} unlabelled examples of {} classes{}", data_.dataset.name,
        with_commas(data_.labeled.size()), with_commas(data_.unlabeled.size()), data_.dataset.classes.size(),
        data_.judge == Judge::none ? "" : fmt::format(", {} to test on", with_commas(data_.judged.size()))));
    for (const std::string& choice : choices) say("  " + choice);
    for (const ImageStore* store : {data_.train.get(), data_.test.get()})
      if (store && !store->damage().empty()) {
        say(fmt::format("{} damaged examples are left out:", store->damage().size()));
        for (std::size_t i = 0; i < std::min<std::size_t>(store->damage().size(), 10); ++i)
          say(fmt::format("  {}: {}", store->damage()[i].name, store->damage()[i].reason));
        if (store->damage().size() > 10) say("  … (all of them are in data.json)");
      }
  }

  StageOptions stage_options(const TrainConfig& plan, const std::filesystem::path& checkpoints) const {
    return {.plan = plan,
            .normalization = normalization_,
            .checkpoints = checkpoints,
            .resume_command = "fewlabel train --resume out=" + folder_->path().string(),
            .identity = Json{{"plan", plan_identity(plan)}}};
  }

  static std::string plan_identity(const TrainConfig& plan) {
    Json json = to_json(plan);
    json.erase("out");
    for (const char* key : {"workers", "checkpoint_seconds", "checkpoints"}) json["train"].erase(key);
    const std::string text = json.dump();
    return hash_bytes(text.data(), text.size());
  }

  int64_t measured_steps(TrainConfig plan, double minutes) const {
    plan.train.steps = 1;
    Stage stage(data_, stage_options(plan, {}));
    const double seconds = stage.trainer().measure_step_seconds();
    const auto steps = std::max<int64_t>(20, static_cast<int64_t>(minutes * 60 * kBudgetShare / seconds));
    say(fmt::format("{}: {:.0f} ms a step, so {} steps in {}", plan.method.at("name").get<std::string>(), seconds * 1e3,
                    with_commas(steps), duration(minutes * 60)));
    return steps;
  }

  void save_plan() const { write_file(folder_->plan(), to_toml(to_json(plan_))); }

  /// Accuracy on a fixed part of what is judged: for the curves alone, nothing is chosen by it.
  double monitored_accuracy(Stage& stage) const {
    Pool part;
    const int64_t count = std::min(kMonitored, data_.judged.size());
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i * data_.judged.size() / count);
      part.index.push_back(data_.judged.index[at]);
      part.label.push_back(data_.judged.label[at]);
    }
    const Tensor predicted = stage.logits(data_.judged_store(), part.index).argmax(1);
    const Tensor label = torch::tensor(part.label, torch::kInt);
    return predicted.eq(label).to(torch::kFloat).mean().item<double>();
  }

  /// Trains one stage to its end, from its newest checkpoint where there is one.
  void fit(Stage& stage) {
    if (stage.trainer().resume() > 0) say(fmt::format("going on from step {}", with_commas(stage.trainer().step())));
    stage.trainer().run();
  }

  Json train() {
    Progress progress(request_.chatter == Chatter::bar     ? ProgressMode::bar
                      : request_.chatter == Chatter::plain ? ProgressMode::plain
                      : request_.chatter == Chatter::json  ? ProgressMode::json
                                                           : ProgressMode::none);
    MetricLog metrics(*folder_);
    std::unique_ptr<Stage> stage;
    double seconds = 0, images_per_second = 0, wait_share = 0;
    const auto hooks = [&](bool logged) {
      TrainerHooks result;
      result.on_step = [&](const StepRecord& record) { progress.step(record); };
      result.on_log = [&, logged](const LogRecord& record) {
        progress.log(record);
        status_.step = record.step;
        status_.steps = record.steps;
        folder_->write_status(status_);
        if (!logged) return;
        seconds = record.timing.at("seconds");
        images_per_second = record.timing.at("images_per_second");
        wait_share = record.timing.at("wait_share");
        MetricLine line{record.step, seconds, {}};
        for (const auto& [key, value] : record.values) line.values.emplace_back(key, value);
        line.values.emplace_back("images_per_second", images_per_second);
        line.values.emplace_back("wait_share", wait_share);
        metrics.add(line);
      };
      result.on_warning = [&](const std::string& sentence) { progress.say(sentence); };
      return result;
    };

    TrainerHooks main_hooks = hooks(true);
    if (judged_by_labels())
      main_hooks.on_evaluate = [&](int64_t step) {
        metrics.add({step, seconds, {{"test/accuracy", monitored_accuracy(*stage)}}});
      };
    main_hooks.on_checkpoint = [&](int64_t, const std::filesystem::path&) { metrics.sync(); };
    stage = std::make_unique<Stage>(data_, stage_options(plan_, folder_->checkpoints()), std::move(main_hooks));
    progress.begin(method_name());
    if (const int64_t step = stage->trainer().resume(); request_.resume) {
      metrics.truncate_after(step);
      if (const auto lines = read_metrics(*folder_); !lines.empty()) seconds = lines.back().seconds;
      say(fmt::format("going on from step {}", with_commas(step)));
    }
    stage->trainer().run();
    progress.end();

    Json summary = {{"name", folder_->name()},
                    {"data", to_string(data_.split)},
                    {"labels", data_.labeled.size()},
                    {"unlabeled", data_.unlabeled.size()},
                    {"classes", data_.dataset.classes.size()},
                    {"method", method_name()},
                    {"net", *plan_.net.name},
                    {"parameters", stage->parameters()}};
    const AverageScope averaged = stage->trainer().averaged();
    if (stage->classifier()) save(*stage);
    Json detail = Json::object();
    Json notes = Json::array();
    if (judged_by_labels()) {
      const Evaluation evaluation = judge(*stage);
      summary.update(evaluation.summary);
      detail = evaluation.detail;
      write_file(folder_->predictions(), evaluation.predictions);
    }
    if (stage->classifier()) add_notes(notes);
    detail["label_examples"] = label_pictures(data_);
    summary["train_seconds"] = seconds;
    summary["steps"] = *plan_.train.steps;
    summary["seed"] = plan_.seed;
    summary["images_per_second"] = images_per_second;
    summary["wait_share"] = wait_share;
    if (*plan_.baseline == "supervised" && judged_by_labels() && method_name() != "supervised")
      baseline(progress, hooks(false), seconds, summary, detail);
    summary["command"] = trim(read_file(folder_->command()));
    const Json facts = folder_->read_json(folder_->environment());
    summary["version"] = FEWLABEL_VERSION;
    summary["machine"] = facts;
    const Json data_json = folder_->read_json(folder_->data());
    summary["data_hash"] = data_json.value("hash", Json::object());
    summary["damaged"] = {{"count", data_json["damaged"]["count"]}, {"names", Json::array()}};
    for (const Json& damage : data_json["damaged"]["examples"]) summary["damaged"]["names"].push_back(damage["name"]);
    summary["peak_memory_mb"] = peak_memory_mb();
    summary["notes"] = notes;
    folder_->write_json(folder_->evaluation(), detail);
    folder_->write_json(folder_->summary(), summary);
    status_.state = RunState::finished;
    status_.step = status_.steps = *plan_.train.steps;
    status_.exit_code = 0;
    folder_->write_status(status_);
    write_report(*folder_);
    if (request_.chatter == Chatter::bar || request_.chatter == Chatter::plain)
      fmt::print(stderr, "{}", summary_text(summary, folder_->report().string()));
    return summary;
  }

  bool judged_by_labels() const { return data_.judge != Judge::none && labels_needed(plan_); }

  Evaluation judge(Stage& stage) const {
    const Tensor logits = stage.logits(data_.judged_store(), data_.judged.index);
    const Source& source = data_.judge == Judge::test_set ? *data_.dataset.test : *data_.dataset.train;
    return evaluate_logits(logits, data_.judged, data_.judged_store(), source, data_.dataset.classes);
  }

  void save(Stage& stage) const {
    save_model(folder_->model(), *stage.network(),
               {.net = plan_.net,
                .normalization = normalization_,
                .classes = data_.dataset.classes,
                .method = method_name(),
                .data = to_string(data_.split)});
  }

  void add_notes(Json& notes) const {
    notes.push_back(
        "Accuracy is that of the last averaged weights. No validation split was held out, and nothing was "
        "selected on the evaluation examples.");
    if (data_.judge == Judge::hidden_labels)
      notes.push_back(
          "There is no test set: accuracy is measured on the unlabelled examples themselves, whose labels were "
          "hidden from training.");
    if (data_.judge == Judge::none)
      notes.push_back(
          "There is no test set, so accuracy is unknown. `fewlabel evaluate RUN DATA` measures it on "
          "labelled images that were not trained on.");
    else
      notes.push_back(
          "The temperature is fitted on one half of the evaluation examples and judged on the other, both "
          "ways; the saved model is not scaled by it.");
  }

  void baseline(Progress& progress, TrainerHooks hooks, double main_seconds, Json& summary, Json& detail) {
    TrainConfig plan = baseline_of(plan_);
    check_method(plan);
    if (!plan_.baseline_steps) {
      plan_.baseline_steps = measured_steps(plan, plan_.baseline_minutes.value_or(main_seconds / 60));
      save_plan();
    }
    plan.train.steps = plan_.baseline_steps;
    const std::filesystem::path folder = folder_->path() / "baseline";
    double seconds = 0;
    hooks.on_log = [&, inner = hooks.on_log](const LogRecord& record) {
      inner(record);
      seconds = record.timing.at("seconds");
    };
    Stage stage(data_, stage_options(plan, folder / "checkpoints"), std::move(hooks));
    progress.begin("supervised baseline");
    fit(stage);
    progress.end();
    const AverageScope averaged = stage.trainer().averaged();
    const Evaluation evaluation = judge(stage);
    summary["supervised_accuracy"] = evaluation.summary["accuracy"];
    summary["supervised_low"] = evaluation.summary["accuracy_low"];
    summary["supervised_high"] = evaluation.summary["accuracy_high"];
    summary["supervised_seconds"] = seconds;
    summary["supervised_steps"] = *plan.train.steps;
    detail["supervised"] = {{"confusion", evaluation.detail["confusion"]},
                            {"per_class", evaluation.detail["per_class"]}};
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);  // it was there for a resume
  }

  const TrainRequest& request_;
  TrainConfig plan_;
  PreparedData data_;
  Normalization normalization_;
  std::optional<RunFolder> folder_;
  RunStatus status_;
  bool finished_ = false;
};

}  // namespace

Json train(const TrainRequest& request) { return Session(request).run(); }

}  // namespace fewlabel
