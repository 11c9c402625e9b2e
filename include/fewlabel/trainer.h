// The training loop: names no method, no data set and no net. Used from one thread; all functions throw Error.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fewlabel/method.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

struct RawBatch;

/// Where micro-batches come from; batch t must depend on t alone.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// The next batch, in order. Valid until the next call.
  virtual const RawBatch& next() = 0;
  /// Seconds that next() has waited so far.
  virtual double waited() const { return 0; }
};
/// Opens the batches from number `first` on.
using OpenBatches = std::function<std::unique_ptr<BatchSource>(int64_t first)>;

struct TrainerOptions {
  OptimizerPlan optimizer;
  LoopPlan loop;  // with minutes, the number of updates is corrected on the way
  Conduct conduct;
  uint64_t seed = 0;
  Layout layout;                       // of the examples
  std::vector<float> mean, deviation;  // per channel, of pixels in [0, 1]
  std::vector<int32_t> hidden_labels;  // of the unlabelled pool, by position; for monitoring alone; may be empty
  std::string method_name = "method";  // for messages
  std::filesystem::path checkpoints;   // folder; empty: none are written
  std::string resume_command;          // told to who stops a run: "fewlabel train --resume out=runs/x"
  Json identity;                       // of the run (plan hash); kept in checkpoints, compared on resume
};

/// What is known every loop.log_every updates. `values` are the same bits in a resumed run, `timing` is not.
struct LogRecord {
  int64_t step = 0, steps = 0;           // updates done, expected in all
  std::map<std::string, double> values;  // means since the last record: loss (of each group), what the method
                                         // logs, lr, gradient_norm, pseudo_labels/kept, pseudo_labels/accuracy
  std::map<std::string, double> timing;  // seconds (of the run so far), examples_per_second, wait_share
};
/// What is known after every update.
struct StepRecord {
  int64_t step = 0, steps = 0;
  double examples_per_second = 0, eta_seconds = 0;
};

struct TrainerHooks {
  std::function<void(const StepRecord&)> on_step;
  std::function<void(const LogRecord&)> on_log;
  /// The method is in evaluation mode with averaged weights; no gradients are recorded.
  std::function<void(int64_t step)> on_evaluate;
  std::function<void(int64_t step, const std::filesystem::path& checkpoint)> on_checkpoint;
  std::function<void(const std::string& sentence)> on_warning;
};

/// The method with its averaged weights while it lives. Running statistics of batch norm are the live ones, as in the
/// authors' code of FixMatch. Scopes may nest. Do not train inside.
class AverageScope {
 public:
  AverageScope(std::function<void()> enter, std::function<void()> leave) : leave_(std::move(leave)) { enter(); }
  ~AverageScope() { leave_(); }
  AverageScope(const AverageScope&) = delete;
  AverageScope& operator=(const AverageScope&) = delete;

 private:
  std::function<void()> leave_;
};

class Trainer {
 public:
  /// Turns 4-d weights to channels-last. The method must outlive the trainer.
  Trainer(Method& method, TrainerOptions options, OpenBatches open, TrainerHooks hooks = {});
  ~Trainer();

  /// Goes on from the newest checkpoint that verifies; damaged ones are named by on_warning. Returns its step, 0 when
  /// there is none. Throws Error{storage} when all are damaged or the newest belongs to another plan.
  int64_t resume();
  /// Trains to the last step. On cancelled(): finishes the update, saves, throws Error{interrupted or terminated}.
  /// NaN or infinity in loss or gradient: Error{diverged}.
  void run();
  int64_t step() const;
  AverageScope averaged();

  /// Updates in all: those of the plan, or as many as fit its minutes so far.
  int64_t steps() const;

  /// Seconds one update takes, its wait for data included: up to `warm` updates, then the mean of up to `measured`, in
  /// about `seconds` but for two of them. Weights and all else are as before afterwards. Throws Error{interrupted …}.
  double measure_step_seconds(int64_t warm = 10, int64_t measured = 15, double seconds = 1e9);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fewlabel
