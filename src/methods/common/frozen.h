// What the methods have in common that learn a head of features which stay as they are.
#pragma once
#include "methods/common/linear_head.h"

namespace fewlabel {

/// Features as the heads learn from them, scaled by what all of both pools are like. fp64.
struct ScaledPools {
  Tensor x, y;  // L × D; L, int64
  Tensor u;     // U × D
  int64_t classes;
  std::vector<double> pool_share;  // of the unlabelled pool, where it is known
  Tensor all() const { return torch::cat({x, u}); }
};

/// A method in one function: what it makes of the pools is put into the net's head.
class FrozenMethod : public Method, public Classifier, public HeadLearner {
 public:
  FrozenMethod(const Task& task, Net net);
  Needs needs() const override { return {.labeled = {"none"}, .unlabeled = {}}; }
  Groups groups() override;
  void fit(const FeaturePools& pools) final;
  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 protected:
  /// Of scaled features.
  virtual LinearHead head_of(const ScaledPools& pools) = 0;

 private:
  Net net_;
  int64_t classes_;
  std::vector<double> pool_share_;
};

/// `most` of the numbers 0 … count - 1, evenly spaced; all where there are no more.
std::vector<int64_t> evenly_spaced(int64_t count, int64_t most);

/// Of the answers of each class the surest part, rounded up: their rows, surest first. sure: N; label: N, int64, -1
/// where an answer counts for no class.
std::vector<Tensor> surest_of_each(const Tensor& sure, const Tensor& label, int64_t classes, double part);

/// The weights of a net's head, classes × D, and its bias; of net.head = unit also its buffers, else undefined. Throws
/// Error{usage} for a net that has none.
struct HeadParameters {
  Tensor weight, bias, mean, factor;
};
HeadParameters head_of(NetModule& net);

}  // namespace fewlabel
