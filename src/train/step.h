// The Step that training lends to a method: the only place that knows gradients, accumulation, clipping and optimisers.
#pragma once
#include <string>

#include "fewlabel/method.h"
#include "train/metrics.h"
#include "train/optimizer.h"

namespace fewlabel {

struct StepSettings {
  OptimizerPlan optimizer;
  double average = 0;  // decay of the weight average; 0: none
  int64_t accumulate = 1;
  std::string method_name = "method";
  std::vector<int32_t> hidden_labels;  // of the unlabelled pool; may be empty
};

/// Where training stands; for the next micro-batch.
struct StepPlace {
  int64_t update = 0;  // from 0
  double lr = 0;
  Tensor unlabeled_index;       // of this micro-batch; may be undefined
  std::string last_checkpoint;  // named when training diverges
};

class TrainerStep final : public Step {
 public:
  /// Throws Error{failure} when a group holds a tensor that the method did not register.
  TrainerStep(Method& method, StepSettings settings);

  void minimize(const Tensor& loss, std::string_view group = "model") override;
  void log(std::initializer_list<std::pair<std::string_view, Tensor>> values) override;
  void pseudo_labels(const Tensor& label, const Tensor& kept) override;
  /// Logs embedding/spread and embedding/rank (train/spread.h).
  void embeddings(const Tensor& z) override;

  /// What minimize logs a group's loss as: "loss" for the group "model" and, where there is none, "loss/GROUP" for each
  /// and "loss" for the first.
  std::vector<std::string> loss_names(std::string_view group) const;
  /// Whether minimize logs this, so that a method need not and cannot.
  bool is_own_name(std::string_view name) const;
  /// The two halves of minimize: the gradients of a group, and its optimiser's update by them.
  void backward(const Tensor& loss, std::string_view group);
  void apply(std::string_view group);
  /// Of a group. Throws Error{failure} where the method has none of that name.
  const std::vector<Tensor>& parameters(std::string_view group) { return find(group).optimizer.parameters(); }

  void place(StepPlace place) { place_ = std::move(place); }
  /// Whether minimize was called since the last question.
  bool take_minimized();
  MetricMeans& metrics() { return metrics_; }
  /// On a GPU norms are not read as they come, since that would stall it: this reads those that wait, and throws
  /// Error{diverged} when one is not finite.
  void check_norms();
  /// The parameters hold their averages between the first enter and the last leave.
  void enter_average();
  void leave_average();

  /// Optimiser tensors as "group:parameter/what", averages by parameter, and counts.
  Json save(TensorMap& state, TensorMap& average) const;
  void load(const TensorMap& state, const TensorMap& average, const Json& counts);

 private:
  void swap_average();
  struct Group {
    Optimizer optimizer;
    double rate = 1;      // factor of the learning rate
    int64_t pending = 0;  // micro-batches whose gradient waits for an update
  };
  Group& find(std::string_view group);
  [[noreturn]] void diverged(std::string_view what, std::string_view group, double value, int64_t update) const;
  void pseudo_labels_on_gpu(const Tensor& label, const Tensor& kept);

  struct WaitingNorm {
    int64_t update;
    std::string group;
    Tensor norm;
  };

  StepSettings settings_;
  StepPlace place_;
  std::map<std::string, Group, std::less<>> groups_;
  MetricMeans metrics_;
  std::vector<WaitingNorm> waiting_norms_;
  Tensor hidden_on_gpu_;  // settings_.hidden_labels
  bool minimized_ = false;
  int averaged_ = 0;  // depth of nested scopes
};

}  // namespace fewlabel
