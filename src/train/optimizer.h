// SGD with Nesterov momentum and AdamW over one group of parameters, with the weight average in the same pass.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fewlabel/net.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

using TensorMap = std::map<std::string, Tensor>;

struct NamedParameter {
  std::string name;
  Tensor value;
};

/// The optimiser of one group. Weight decay spares parameters of one dimension (biases, batch norm). The average is
/// a ← d·a + (1 - d)·θ with d = min(decay, (1 + k) / (10 + k)) after k updates, of the parameters alone.
class Optimizer {
 public:
  /// Uses name, momentum, beta2, weight_decay and clip of the config; an average decay of 0 keeps none.
  Optimizer(std::vector<NamedParameter> parameters, const OptimizerPlan& config, double average_decay);

  /// One update from the parameters' gradients, which it then drops. Returns the norm of the gradient before clipping,
  /// a scalar on the parameters' device; if that is not finite, the weights are lost.
  Tensor update(double lr);

  const std::vector<Tensor>& parameters() const { return parameters_; }
  int64_t updates() const { return updates_; }
  /// Swaps each parameter's values with its average's, without a copy.
  void swap_average();

  /// Adds what a checkpoint needs, by name: optimiser tensors (gradients too, where some are waiting) and averages.
  void save(TensorMap& state, TensorMap& average) const;
  /// Throws Error{storage} when one is missing or has another shape.
  void load(const TensorMap& state, const TensorMap& average, int64_t updates);

 private:
  struct Slot {
    std::string name;
    Tensor first, second, average;
    bool decays = false;
  };
  struct Chunk {
    std::size_t slot = 0;
    int64_t begin = 0, size = 0;
  };
  struct Numbers;
  using Which = std::vector<std::size_t>;
  Numbers numbers_of(double lr) const;
  /// Σ g² of those that the fused loops take, and of the others (a scalar on their device).
  double fused_squares(const Which& which, const std::vector<Tensor>& gradients) const;
  Tensor squares_of(const Which& which, const std::vector<Tensor>& gradients);
  double update_fused(const Which& which, const std::vector<Tensor>& gradients, const Numbers& numbers);
  void update_others(const Which& which, const std::vector<Tensor>& gradients, const Tensor& scale,
                     const Numbers& numbers);

  OptimizerPlan config_;
  bool adamw_ = false;
  double average_decay_ = 0;
  int64_t updates_ = 0;
  std::vector<Tensor> parameters_;
  std::vector<Slot> slots_;
};

}  // namespace fewlabel
