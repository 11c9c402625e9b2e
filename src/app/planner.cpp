#include "app/planner.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "app/beginning.h"
#include "app/budget.h"
#include "app/copies.h"
#include "app/estimate.h"
#include "app/machine.h"
#include "app/method_settings.h"
#include "app/planning.h"
#include "app/recipe_stages.h"
#include "app/run_stages.h"
#include "app/stage.h"
#include "app/watch.h"
#include "core/text.h"
#include "encoders/encoders.h"
#include "eval/layout_json.h"
#include "fewlabel/error.h"
#include "fewlabel/transform.h"
#include "kernels/convolution.h"
#include "plan/recipe.h"
#include "plan/resolve.h"
#include "train/device.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

using Clock = std::chrono::steady_clock;

// Shares of a time budget. What is left of it is the main training's.
constexpr double kBaseline = 0.15, kEstimate = 0.25, kBaselineEstimate = 0.05;
constexpr double kLast = 0.02;        // of checkpoints, the report and the like
constexpr double kMeasuring = 0.015;  // of a budget that measuring a step may take
constexpr double kSurprise = 1.5;     // a step this much slower or faster than predicted is predicted again
constexpr int64_t kShown = 20'000;    // unlabelled examples that are classified in the end, at most
constexpr int64_t kFoldSteps = 200;   // of a fold's training, at least, unless the run has fewer
constexpr int64_t kFoldPart = 8;      // else this part of the run's

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A stage while it is planned.
struct Draft {
  TrainConfig config;
  Plan plan;
  Conduct conduct;
  std::vector<std::string> choices;
  std::shared_ptr<const StageData> data;
  Freedom open;     // what the recipe leaves to the budget
  double step = 0;  // seconds; 0: not measured
};

class Planner {
 public:
  Planner(const RunRequest& request, Workspace& workspace) : request_(request), workspace_(workspace) {}

  RunPlan run() {
    std::vector<StageRecipe> recipes = stage_recipes(request_.recipe, request_.overrides);
    Draft draft = open(recipes[0]);
    if (recipes.size() == 1 && reads_first(recipes[0], facts_)) {
      recipes = with_reading(recipes[0], facts_.found.kind);
      draft = open(recipes[0]);
    }
    for (std::size_t i = 0; i < recipes.size(); ++i) {
      const StageRecipe& recipe = recipes[i];
      if (recipes.size() > 1) say(fmt::format("{}:", recipe.name));
      if (i > 0) draft = open(recipe);
      settle(draft);
      if (i + 1 < recipes.size() && recipes[i + 1].starts_from == recipe.name) need_a_net(draft);
      run_.stages.push_back(draft.plan);
      run_.conduct.push_back(draft.conduct);
      if (recipe.name == "main") follow(draft);
    }
    return std::move(run_);
  }

 private:
  void say(const std::string& text) const { fewlabel::say(request_.chatter, text + "\n"); }

  /// Configuration, data and facts; what can be refused is refused before any work.
  Draft open(const StageRecipe& recipe) {
    Draft draft;
    TrainConfig& config = draft.config;
    config = train_config(with_method_settings(recipe.recipe), method_keys());
    TrainConfig written = config;
    if (written.method.contains("name")) check_method(written.method);
    choose_device(written.train.device.value_or("auto"));
    adopt_initial(written);
    config.data.tokenizer = written.data.tokenizer;  // texts are read as those of the run that it starts from
    const bool named = config.encoder != "auto" && config.encoder != "none" && !config.encoder.empty();
    if (named && !config.init.empty())
      throw Error(ErrorKind::usage, "encoder", "both init and encoder say where to start from",
                  "leave one of them out");
    std::optional<EncoderCard> encoder;
    if (named) encoder = find_encoder(config.encoder);
    std::string hash = encoder ? encoder_hash(*encoder) : std::string();
    std::vector<std::string> adopted;
    if (encoder) adopted = adopt_encoder(config, *encoder, hash);
    at::set_num_threads(static_cast<int>(config.train.threads.value_or(usable_threads())));
    kernels::enable(config.train.kernels);

    const bool unlabelled = learns_without_labels(config.method);
    data_ = open_data(config.data, !unlabelled);
    facts_ = facts_of(data_, unlabelled);
    facts_.preset = preset_of(recipe.recipe);
    if (!encoder && config.encoder == "auto" && (encoder = fitting_encoder(recipe, facts_))) {
      hash = encoder_hash(*encoder);
      adopted = adopt_encoder(config, *encoder, hash);
      adopted.back() += "; encoder=none starts from nothing";
      data_ = open_data(config.data, !unlabelled);  // as it reads them
      const Preset preset = facts_.preset;
      facts_ = facts_of(data_, unlabelled);
      facts_.preset = preset;
    }
    if (encoder && encoder->kind != facts_.found.kind)
      throw Error(ErrorKind::usage, "encoder",
                  fmt::format("{} is of {}s, and these are {}s", encoder->name, word_for_one(encoder->kind),
                              word_for_one(facts_.found.kind)),
                  "name another, or leave it out");
    facts_.encoder = encoder.has_value();
    draft.choices = adopted;
    if (!config.method.contains("name")) {  // only the data tell; now with what comes with the method
      MethodChoice choice = choose_method(facts_);
      if (encoder) choice = tuning_choice(config, facts_, folds_wanted(config)).value_or(choice);
      Json with_name = recipe.recipe;
      with_name["method"]["name"] = choice.name;
      config = train_config(with_method_settings(with_name), method_keys());
      if (encoder) adopt_encoder(config, *encoder, hash);
      draft.choices.push_back(choice.sentence);
    }
    const auto add = [&](const std::vector<std::string>& more) {
      draft.choices.insert(draft.choices.end(), more.begin(), more.end());
    };
    check_target(find_method(method_name(config.method)), facts_.transcribed);
    fit_to_kind(config, recipe.recipe, facts_.found.kind);
    add(fit_to_labels(config, recipe.recipe, facts_.labeled));
    if (encoder) add(fit_to_encoder(config, recipe.recipe));
    add(adopt_initial(config));
    if (!recipe.starts_from.empty()) adopt_stage(config, plan_of(recipe.starts_from));
    if (learns_a_head(config.method)) {
      if (config.init.empty() && recipe.starts_from.empty() && !encoder)
        throw Error(
            ErrorKind::usage, "method",
            fmt::format("{} learns from what a trained net sees, and none is named", method_name(config.method)),
            "give encoder=NAME (`fewlabel encoders` lists them), or init=RUN");
      config.train.steps = 1;  // all at once
      config.train.minutes.reset();
    }
    if (!recipe.starts_from.empty()) config.encoder_hash.clear();  // the stage before has its weights
    for (const auto& policy : {config.augment.weak, config.augment.strong, config.augment.contrast})
      if (policy) data_.modality->transform(*policy);
    const Json& settings = find_method(method_name(config.method)).short_settings;
    draft.open = {.batch = !recipe.recipe.contains("/train/batch"_json_pointer) && facts_.preset == Preset::brief,
                  .net = !config.net.name,
                  .mu = settings.contains("/method/mu"_json_pointer) && facts_.preset == Preset::brief &&
                        !recipe.recipe.contains("/method/mu"_json_pointer)};
    draft.conduct = config.train;
    draft.plan.stage = recipe.name;
    draft.plan.starts_from = recipe.starts_from;
    if (recipe.name == "main") run_.data_name = data_.dataset.name;
    return draft;
  }

  const Plan& plan_of(const std::string& stage) const {
    return *std::find_if(run_.stages.begin(), run_.stages.end(), [&](const Plan& plan) { return plan.stage == stage; });
  }

  void need_a_net(const Draft& draft) const {
    if (Stage(draft.data->data, options_of(draft)).hands_on()) return;
    throw Error(ErrorKind::usage, draft.plan.stage,
                fmt::format("{} trains nets of its own, which the next stage cannot start from",
                            method_name(draft.plan.method)),
                "take a method that trains the net of the recipe, such as simclr, or give the next stage init = \"\"");
  }

  /// The plan, where a budget decides at its scale.
  void resolve_at(Draft& draft, const Fit* found) {
    // At the largest scale the examples say all there is to say about it.
    const bool smaller = found && found->scale != scales(draft.config, facts_).front();
    TrainConfig config = smaller ? at_scale(draft.config, found->scale, facts_.found.kind) : draft.config;
    if (found && found->batch > 0) config.train.batch = found->batch;
    if (found && found->mu > 0) config.method["mu"] = found->mu;
    Resolved resolved = resolve(config, facts_);
    resolved.plan.stage = draft.plan.stage;
    resolved.plan.starts_from = draft.plan.starts_from;
    check_method(resolved.plan.method);
    draft.plan = std::move(resolved.plan);
    plan_choices_ = std::move(resolved.choices);
  }

  void decode_for(Draft& draft) {
    if (draft.data && draft.data->rule.layout == layout_of(draft.plan.data, data_.found))
      return;  // nothing else of them may change
    draft.data = std::make_shared<StageData>(decode(data_, draft.plan));
    workspace_.keep(draft.plan, draft.data);
  }

  /// The steps are given, or follow from the minutes.
  void settle(Draft& draft) {
    if (draft.config.train.steps) {
      resolve_at(draft, nullptr);
      decode_for(draft);
      introduce(draft);
      Stage(draft.data->data, options_of(draft));
      return;
    }
    const double minutes = draft.config.train.minutes.value_or(kDefaultMinutes);
    const double budget = 60 * minutes * main_share(draft);
    StepCost cost(draft.config, facts_);
    const std::vector<Scale> choices = scales(draft.config, facts_);
    Fit found = fit(cost, choices, draft.open, budget);
    for (int tries = 0;; ++tries) {
      resolve_at(draft, &found);
      decode_for(draft);
      // A step that would take a good part of the budget to measure is taken for what it is predicted to be.
      const double allowed = std::max(kMeasuring * budget, 0.2);
      draft.step = found.seconds > 2 * allowed ? found.seconds : measured(draft, allowed);
      if (tries == 2 || (draft.step < kSurprise * found.seconds && draft.step * kSurprise > found.seconds)) break;
      cost.observe(found.scale, draft.step / part_of_step(found));
      const Fit again = fit(cost, choices, draft.open, budget);
      const bool same = again == found;
      found = again;
      if (same) break;
    }
    if (found.scale != choices.front()) {
      const std::string why =
          found.seconds * cost.useful_steps() > budget
              ? std::string("there is nothing smaller")
              : fmt::format("the largest whose steps fit some {} times into {}",
                            with_commas(static_cast<int64_t>(cost.useful_steps())), duration(60 * minutes));
      const bool image = facts_.found.kind == Kind::image;
      const std::string chosen = image ? fmt::format("data.size = {}, ", found.scale.size) : std::string();
      const std::string there = image ? fmt::format("at {} pixels ", choices.front().size) : std::string();
      draft.choices.push_back(fmt::format("{}net.name = {}: {}; {}a step of {} would take about {}", chosen,
                                          found.scale.net, why, there, choices.front().net,
                                          milliseconds(larger_step(cost, choices, found.scale))));
    }
    for (const auto& [key, value] : {std::pair{"train.batch", found.batch}, {"method.mu", found.mu}})
      if (value > 0)
        draft.choices.push_back(
            fmt::format("{} = {}: more leaves too few steps in {}", key, value, duration(60 * minutes)));
    introduce(draft);
    // What has passed until now is gone from the budget, and so is the look at all examples in the end.
    const double gone = run_.stages.empty() ? seconds_since(request_.begun) : 0;
    const double left = std::max(60 * minutes * (main_share(draft) - kLast) - gone - last_look(draft), draft.step);
    draft.plan.train.minutes = left / 60;
    draft.plan.train.steps = std::max<int64_t>(1, std::llround(left / draft.step));
    say(fmt::format("{}: {} a step, so about {} steps in {}", method_name(draft.plan.method), milliseconds(draft.step),
                    with_commas(draft.plan.train.steps), duration(left)));
    if (static_cast<double>(draft.plan.train.steps) < kFewSteps)
      say(fmt::format(
          "That is too little to learn much: {} would hold {} steps. Give more with --minutes, or a smaller "
          "data.size or net.",
          duration(kFewSteps * draft.step / main_share(draft) + gone), with_commas(static_cast<int64_t>(kFewSteps))));
  }

  static std::string milliseconds(double seconds) {
    return seconds < 1 ? fmt::format("{:.0f} ms", seconds * 1e3) : fmt::format("{:.1f} s", seconds);
  }

  /// Why the largest scale was passed over: a step there, by its pixels. To count one there could take minutes.
  static double larger_step(StepCost& cost, const std::vector<Scale>& choices, const Scale& scale) {
    if (choices.front().size == scale.size) return cost.seconds(choices.front());
    const double pixels =
        static_cast<double>(choices.front().size * choices.front().size) / static_cast<double>(scale.size * scale.size);
    return cost.seconds(scale) * pixels;
  }

  /// Of the budget, without what other stages take of it.
  double main_share(const Draft& draft) const {
    double share = 1;
    if (draft.plan.stage != "main") return share;
    const TrainConfig& config = draft.config;
    const bool judged = data_.judge != Judge::none;
    if (compares(draft) && judged && !config.baseline_minutes && !config.baseline_steps) share -= kBaseline;
    if (estimates(draft).empty()) {
      share -= kEstimate;
      if (compares(draft) && !judged) share -= kBaselineEstimate;
    }
    return share;
  }

  /// Whether the labels alone are trained beside it.
  bool compares(const Draft& draft) const {
    return draft.config.baseline.value_or("none") == "supervised" && data_.labels_needed &&
           find_method(method_name(draft.config.method)).family != "supervised";
  }

  /// Trainings that an estimate would take.
  int64_t folds_wanted(const TrainConfig& config) const { return wants_estimate(config) ? possible_folds(data_) : 0; }

  bool wants_estimate(const TrainConfig& config) const {
    return config.estimate.value_or(data_.judge == Judge::none ? "holdout" : "none") != "none";
  }

  /// Why there is no estimate; empty: there is one. "-" where nobody would ask.
  std::string estimates(const Draft& draft) const {
    if (!wants_estimate(draft.config) || !data_.labels_needed || data_.transcribed) return "-";
    if (possible_folds(data_) < 2) return "each class has a single label, so that none can be held out";
    const bool starts_labelled =
        (!draft.plan.starts_from.empty() && !learns_without_labels(plan_of(draft.plan.starts_from).method)) ||
        !draft.config.init.empty();
    if (starts_labelled) return "the weights it starts from may have learnt from the labels that would be held out";
    return {};
  }

  StageOptions options_of(const Draft& draft) const {
    return {.plan = draft.plan,
            .conduct = draft.conduct,
            .normalization = draft.data->rule,
            .checkpoints = {},
            .resume_command = {},
            .identity = {},
            .initial = initial_weights(draft.plan, nullptr, draft.data->rule.layout),
            .bank = workspace_.features()};
  }

  double measured(const Draft& draft, double seconds) const {
    Stage stage(draft.data->data, options_of(draft));
    return stage.measure_step_seconds(10, 15, seconds);
  }

  /// Seconds that classifying everything in the end will take: a view costs about a third of one that is learnt from.
  double last_look(const Draft& draft) const {
    const int64_t shown = data_.judged.size() + data_.validated.size() + std::min(data_.unlabeled.size(), kShown);
    const double views = static_cast<double>(draft.plan.train.batch) *
                         (1 + 2 * draft.plan.method.value("mu", draft.plan.method.value("ratio", 1.0)));
    return static_cast<double>(shown) * draft.step / views / 3;
  }

  void introduce(Draft& draft) {
    const PreparedData& data = draft.data->data;
    const std::string test =
        data.judge == Judge::none ? "" : fmt::format(", {} to test on", with_commas(data.judged.size()));
    if (!data.labels_needed)
      say(fmt::format("{}: {} examples, none of whose labels is used{}", data.dataset.name,
                      with_commas(data.labeled.size() + data.unlabeled.size()), test));
    else
      say(data.transcribed ? fmt::format("{}: {} transcribed and {} untranscribed recordings in {} characters{}",
                                         data.dataset.name, with_commas(data.labeled.size()),
                                         with_commas(data.unlabeled.size()), data.dataset.classes.size() - 1, test)
                           : fmt::format("{}: {} labelled and {} unlabelled examples of {} classes{}",
                                         data.dataset.name, with_commas(data.labeled.size()),
                                         with_commas(data.unlabeled.size()), data.dataset.classes.size(), test));
    for (const std::string& choice : draft.choices) say("  " + choice);
    for (const std::string& choice : plan_choices_) say("  " + choice);
    if (const auto unlike = unlike_the_paper(draft.plan.method); !unlike.empty())
      say(fmt::format("  {}, in brackets its own: {}", method_name(draft.plan.method), join(unlike, ", ")) +
          (draft.plan.preset == "short" ? "; preset=paper takes those" : ""));
    for (const ExampleStore* store : {data.train.get(), data.test.get(), data.validation.get()})
      if (store && !store->damage().empty()) {
        say(fmt::format("{} damaged examples are left out:", store->damage().size()));
        for (std::size_t i = 0; i < std::min<std::size_t>(store->damage().size(), 10); ++i)
          say(fmt::format("  {}: {}", printable(store->damage()[i].name), printable(store->damage()[i].reason)));
        if (store->damage().size() > 10) say("  … (all of them are in data.json)");
      }
    std::vector<std::string> notes = data.dataset.notes;
    // Stages of a chain mostly learn from the same examples, which then need no second look.
    std::string contents = to_string(data.split);
    for (const ExampleStore* store : {data.train.get(), data.test.get(), data.validation.get()})
      contents += store ? store->content_hash() : "-";
    if (compared_.insert(contents).second) {
      const std::vector<std::string> copies = describe_copies(data, draft.plan.data.cache_mb << 20);
      notes.insert(notes.end(), copies.begin(), copies.end());
    }
    for (const std::string& note : notes) {
      if (std::find(run_.notes.begin(), run_.notes.end(), note) != run_.notes.end()) continue;  // of the stage before
      say(note);
      run_.notes.push_back(note);
    }
  }

  void add_stage(Plan plan, const Draft& draft) {
    run_.stages.push_back(std::move(plan));
    run_.conduct.push_back(draft.conduct);
  }

  /// What comes after the main training.
  void follow(Draft& draft) {
    run_.step_seconds = draft.step;
    const TrainConfig& config = draft.config;
    const bool timed = !config.train.steps;
    const double whole = 60 * config.train.minutes.value_or(kDefaultMinutes);
    const bool compared = compares(draft);
    const bool judged = draft.data->data.judge != Judge::none;
    Draft baseline = draft;
    if (compared) {
      baseline.plan = baseline_of(draft.plan);
      if (timed || config.baseline_minutes) baseline.step = measured(baseline, std::max(kMeasuring * whole, 0.2));
    }
    if (compared && judged) {
      LoopPlan& train = baseline.plan.train;
      train.minutes = 0;
      if (config.baseline_steps)
        train.steps = *config.baseline_steps;
      else if (config.baseline_minutes)
        give(train, 60 * *config.baseline_minutes, baseline.step);
      else if (timed)
        give(train, whole * kBaseline, baseline.step);
      add_stage(baseline.plan, baseline);
      say(train.steps > 1 ? fmt::format("beside it: the labels alone, {} steps", with_commas(train.steps))
                          : std::string("beside it: the labels alone"));
    }
    const std::string missing = estimates(draft);
    if (!missing.empty()) {
      if (missing != "-") run_.notes.push_back("There is no estimate of accuracy: " + missing + ".");
      return;
    }
    const int64_t folds = possible_folds(draft.data->data);
    const auto estimate = [&](const Draft& of, const std::string& name, double share) {
      for (int64_t fold = 1; fold <= folds; ++fold) {
        Plan plan = of.plan;
        plan.stage = fmt::format("{}-{}", name, fold);
        plan.fold = fold;
        plan.folds = folds;
        plan.probe = "none";
        if (plan.method["name"] == "setfit") plan.method["student"] = false;  // shorter, as other methods' folds are
        if (timed)
          give(plan.train, whole * share / static_cast<double>(folds), of.step);
        else
          plan.train.steps = std::min(draft.plan.train.steps, std::max(kFoldSteps, draft.plan.train.steps / kFoldPart));
        add_stage(std::move(plan), of);
      }
    };
    estimate(draft, "estimate", kEstimate);
    if (compared && !judged) estimate(baseline, "baseline-estimate", kBaselineEstimate);
    say(fmt::format(
        "then an estimate of accuracy: {} short trainings, each without a part of the labels that judges it", folds));
  }

  static void give(LoopPlan& train, double seconds, double step) {
    train.minutes = seconds / 60;
    train.steps = std::max<int64_t>(1, std::llround(seconds / step));
  }

  const RunRequest& request_;
  Workspace& workspace_;
  RunPlan run_;
  PreparedData data_;  // of the stage that is planned, before it is decoded
  PlanFacts facts_;
  std::vector<std::string> plan_choices_;
  std::set<std::string> compared_;  // contents that were searched for copies
};

}  // namespace

RunPlan plan_run(const RunRequest& request, Workspace& workspace) { return Planner(request, workspace).run(); }

std::string plan_summary(const RunPlan& run, const StageData& main) {
  std::string text = "The plan:\n";
  for (const Plan& plan : run.stages) {
    const std::string time =
        plan.train.minutes > 0 ? fmt::format(", about {}", duration(60 * plan.train.minutes)) : std::string();
    text += fmt::format("  {:<20} {} on {}, {} steps of {} {}examples{}\n", plan.stage, method_name(plan.method),
                        plan.net.name, with_commas(plan.train.steps), plan.train.batch,
                        learns_without_labels(plan.method) ? "" : "labelled ", time);
  }
  text += fmt::format("  {:<20} {}\n", fmt::format("{}s of", word_for_one(main.rule.layout.kind)),
                      described(main.rule.layout));
  if (run.step_seconds > 0) text += fmt::format("  {:<20} {:.0f} ms\n", "a step", run.step_seconds * 1e3);
  text += fmt::format("  {:<20} {:.0f} MB so far\n", "memory", peak_memory_mb());
  int64_t damaged = 0;
  for (const ExampleStore* store : {main.data.train.get(), main.data.test.get(), main.data.validation.get()})
    if (store) damaged += static_cast<int64_t>(store->damage().size());
  text += fmt::format("  {:<20} {} damaged examples\n", "left out", with_commas(damaged));
  for (const std::string& note : run.notes) text += "  " + note + "\n";
  return text + "Nothing was trained, and nothing written: leave out --dry-run to do it.\n";
}

}  // namespace fewlabel
