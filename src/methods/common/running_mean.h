// An exponential moving average that moves once per optimiser update, whatever the number of micro-batches: learn()
// observes, updated() moves. Micro-batches of one update therefore see the same value.
#pragma once
#include <torch/torch.h>

#include "fewlabel/net.h"

namespace fewlabel {

class RunningMeanImpl : public torch::nn::Module {
 public:
  explicit RunningMeanImpl(const Tensor& start);
  const Tensor& value() const { return value_; }
  /// rows: N × the shape of the value, without gradient.
  void observe(const Tensor& rows);
  /// The same for `count` rows of which only the sum is at hand.
  void observe_sum(const Tensor& sum, int64_t count);
  /// value ← decay value + (1 - decay) (mean of the rows observed since); nothing where none were.
  void move(double decay);

 private:
  Tensor value_, sum_, count_;
};
TORCH_MODULE(RunningMean);

}  // namespace fewlabel
