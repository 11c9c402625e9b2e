// A small problem and method for the tests of training.
#pragma once
#include <filesystem>
#include <memory>

#include "data/loader.h"
#include "fewlabel/trainer.h"

namespace fewlabel::testing {

inline constexpr ImageShape kToyShape = {8, 8, 1};
inline constexpr int64_t kToyClasses = 3;

/// Endless batches of noisy stripes whose direction is the class; batch t depends on (seed, t) alone.
class ToyBatches final : public BatchSource {
 public:
  ToyBatches(int64_t first, int64_t labeled, int64_t unlabeled, uint64_t seed = 0);
  const RawBatch& next() override;

 private:
  void fill(RawViews& views, int64_t count, uint64_t stream) const;
  uint64_t seed_;
  int64_t at_, labeled_, unlabeled_;
  RawBatch batch_;
};
OpenBatches toy_batches(int64_t labeled = 16, int64_t unlabeled = 16);

enum class ToyNorm { none, batch };

/// Pseudo-labels with a small convolutional net.
class ToyMethod final : public Method {
 public:
  explicit ToyMethod(ToyNorm norm = ToyNorm::batch, double lambda = 0.5);
  Needs needs() const override { return {{"weak"}, {"weak"}, 1}; }
  Groups groups() override;
  bool replayable() const override { return true; }
  void learn(const Batch& batch, Step& step) override;
  void updated(double progress) override { progress_.fill_(progress); }
  torch::Tensor logits(const torch::Tensor& x);

 private:
  double lambda_;
  torch::nn::Sequential net_;
  torch::Tensor progress_, confidence_;
};

TrainerOptions toy_options(int64_t steps);
/// All registered tensors as bytes, to compare two methods bit by bit.
std::string bits_of(const torch::nn::Module& module);

}  // namespace fewlabel::testing
