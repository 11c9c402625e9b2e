// What a run tells while it trains: the live line, metrics.jsonl and status.json.
#pragma once
#include "app/app.h"
#include "fewlabel/run.h"
#include "fewlabel/trainer.h"
#include "report/metric_log.h"
#include "train/progress.h"

namespace fewlabel {

/// Text for a person who waits, on standard error, where the run is to talk.
void say(Chatter chatter, std::string_view text);

/// Where the training under test stands. The baseline beside it is shown, but not counted here.
class RunWatch {
 public:
  /// All must outlive it. `logged`: where metrics go, a stage's folder; `run`: where the status is.
  RunWatch(const RunFolder& logged, RunFolder& run, RunStatus& status, Chatter chatter);

  /// Of the training that the run is about: everything is logged. The caller adds on_evaluate.
  TrainerHooks main_hooks();
  /// Of a training beside it; `seconds` becomes the time that it took.
  TrainerHooks side_hooks(double& seconds);
  void begin(const std::string& name) { progress_.begin(name); }
  void end() { progress_.end(); }
  /// Drops what was logged after `step`, and takes the time from what was logged before.
  void resume_at(int64_t step);
  /// A figure of an evaluation during training.
  void add(int64_t step, const Metrics& values) { metrics_.add({step, cost_.seconds, values}); }

  double seconds() const { return cost_.seconds; }
  /// Over the whole training, all its sessions together.
  double examples_per_second() const { return cost_.seconds > 0 ? cost_.images / cost_.seconds : 0; }
  double wait_share() const { return cost_.seconds > 0 ? cost_.waited / cost_.seconds : 0; }

 private:
  struct Cost {
    double seconds = 0, images = 0, waited = 0;
    /// The part of the training that ended at `until` seconds.
    void add(double until, double examples_per_second, double wait_share);
  };

  void show(const LogRecord& record);

  const RunFolder& logged_;
  RunFolder& run_;
  RunStatus& status_;
  Progress progress_;
  MetricLog metrics_;
  Cost cost_;
};

}  // namespace fewlabel
