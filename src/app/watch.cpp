#include "app/watch.h"

namespace fewlabel {

ProgressMode progress_mode(Chatter chatter) {
  switch (chatter) {
    case Chatter::bar:
      return ProgressMode::bar;
    case Chatter::plain:
      return ProgressMode::plain;
    case Chatter::json:
      return ProgressMode::json;
    default:
      return ProgressMode::none;
  }
}

RunWatch::RunWatch(RunFolder& folder, RunStatus& status, Chatter chatter)
    : folder_(folder), status_(status), progress_(progress_mode(chatter)), metrics_(folder) {}

void RunWatch::show(const LogRecord& record) {
  progress_.log(record);
  status_.step = record.step;
  status_.steps = record.steps;
  folder_.write_status(status_);
}

TrainerHooks RunWatch::main_hooks() {
  TrainerHooks hooks;
  hooks.on_step = [this](const StepRecord& record) { progress_.step(record); };
  hooks.on_log = [this](const LogRecord& record) {
    show(record);
    seconds = record.timing.at("seconds");
    images_per_second = record.timing.at("images_per_second");
    wait_share = record.timing.at("wait_share");
    MetricLine line{record.step, seconds, {}};
    for (const auto& [key, value] : record.values) line.values.emplace_back(key, value);
    line.values.emplace_back("images_per_second", images_per_second);
    line.values.emplace_back("wait_share", wait_share);
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
  if (const auto lines = read_metrics(folder_); !lines.empty()) seconds = lines.back().seconds;
}

}  // namespace fewlabel
