// The encoder of the ladder network: a dense net with batch norm in every layer whose layers can be looked into.
// Rasmus et al. 2015, https://arxiv.org/abs/1507.02672, sections 3 and 4.1. Internal to src/nets, but for the method
// that trains its decoder.
#pragma once
#include <vector>

#include "nets/build.h"

namespace fewlabel {

/// N × D with mean 0 and variance 1 in each column.
Tensor normalised_by_batch(const Tensor& x);

class LadderMlp final : public NetModule {
 public:
  explicit LadderMlp(const NetSpec& spec);

  Tensor features(const Tensor& x) override;
  Tensor classify(const Tensor& features) override;
  int64_t feature_size() const override;

  /// Size of each layer, the input first and the classes last.
  const std::vector<int64_t>& widths() const { return widths_; }

  /// One pass that remembers its layers. z[l]: N × widths()[l], normalised by the batch, before activation (z[0]: the
  /// input); mean and deviation: what it was normalised by (0 and 1 for the input); logits: N × classes.
  struct Pass {
    std::vector<Tensor> z, mean, deviation;
    Tensor logits;
  };
  /// The clean pass. In training mode it moves the running statistics, as forward does.
  Pass clean(const Tensor& x);
  /// The same with Gaussian noise of this deviation on every layer, and on each number of the input of that of
  /// `input_noise` (1 × widths()[0]), which leaves the statistics alone.
  Pass corrupted(const Tensor& x, double noise, const Tensor& input_noise);

 private:
  Tensor weighted(std::size_t layer, const Tensor& h);
  Tensor activated(std::size_t layer, const Tensor& z) const;

  std::vector<int64_t> widths_;
  std::vector<torch::nn::Linear> linear_;     // layer l at l - 1, without bias
  std::vector<torch::nn::BatchNorm1d> norm_;  // without scale and shift: those follow
  std::vector<Tensor> beta_;
  Tensor gamma_;  // of the last layer; before a relu a scale changes nothing
};

}  // namespace fewlabel
