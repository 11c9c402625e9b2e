#include "app/watch.h"

#include <map>

#include "core/console.h"

namespace fewlabel {
namespace {

constexpr const char *kRate = "examples_per_second", *kWait = "wait_share";

}  // namespace

void say(Chatter chatter, std::string_view text) {
  if (chatter != Chatter::json && chatter != Chatter::quiet) tell_folded(stderr, text);
}

void RunWatch::Cost::add(double until, double examples_per_second, double wait_share) {
  const double part = until - seconds;
  seconds = until;
  images += part * examples_per_second;
  waited += part * wait_share;
}

RunWatch::RunWatch(const RunFolder& logged, RunFolder& run, RunStatus& status, Chatter chatter)
    : logged_(logged), run_(run), status_(status), progress_(progress_mode(chatter)), metrics_(logged) {}

void RunWatch::show(const LogRecord& record) {
  progress_.log(record);
  status_.step = record.step;
  status_.steps = record.steps;
  run_.write_status(status_);
}

TrainerHooks RunWatch::main_hooks() {
  TrainerHooks hooks;
  hooks.on_step = [this](const StepRecord& record) {
    status_.step = record.step;
    status_.steps = record.steps;
    progress_.step(record);
  };
  hooks.on_log = [this](const LogRecord& record) {
    show(record);
    const double seconds = record.timing.at("seconds"), rate = record.timing.at(kRate),
                 waited = record.timing.at(kWait);
    cost_.add(seconds, rate, waited);
    MetricLine line{record.step, seconds, {}};
    for (const auto& [key, value] : record.values) line.values.emplace_back(key, value);
    line.values.emplace_back(kRate, rate);
    line.values.emplace_back(kWait, waited);
    metrics_.add(line);
  };
  hooks.on_checkpoint = [this](int64_t, const std::filesystem::path&) { metrics_.sync(); };
  hooks.on_warning = [this](const std::string& sentence) { progress_.say(sentence); };
  return hooks;
}

TrainerHooks RunWatch::side_hooks(double& taken) {
  TrainerHooks hooks;
  hooks.on_step = [this](const StepRecord& record) { progress_.step(record); };
  hooks.on_log = [this, &taken](const LogRecord& record) {
    show(record);
    taken = record.timing.at("seconds");
  };
  hooks.on_warning = [this](const std::string& sentence) { progress_.say(sentence); };
  return hooks;
}

void RunWatch::resume_at(int64_t step) {
  metrics_.truncate_after(step);
  cost_ = {};
  for (const MetricLine& line : read_metrics(logged_)) {
    const std::map<std::string, double> value(line.values.begin(), line.values.end());
    if (value.contains(kRate) && value.contains(kWait)) cost_.add(line.seconds, value.at(kRate), value.at(kWait));
  }
}

}  // namespace fewlabel
