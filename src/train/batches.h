// From the loader's bytes to the tensors that a method learns from.
#pragma once
#include "data/loader.h"
#include "fewlabel/modality.h"
#include "fewlabel/trainer.h"

namespace fewlabel {

/// A net's input from decoded examples: images fp32, N × C × H × W in channels-last memory, from N × H × W × C bytes;
/// texts int64, N × T; tables fp32, N × D.
Tensor normalised(const uint8_t* examples, int64_t count, const Normalization& rule);

/// Puts batches onto a device. Bytes travel, a quarter of the floats; a GPU normalises them itself.
class BatchMover {
 public:
  BatchMover(Normalization rule, const torch::Device& device);
  /// As normalised(), on the device.
  Tensor input(const uint8_t* examples, int64_t count) const;
  /// Labels and indices as int64.
  Batch batch(const RawBatch& raw) const;

 private:
  Views views(const RawViews& raw) const;
  Normalization rule_;
  torch::Device device_;
  Tensor factor_, shift_;  // of a GPU: pixel · factor + shift, per channel
};

/// The loader as a BatchSource.
class LoaderBatches final : public BatchSource {
 public:
  explicit LoaderBatches(std::unique_ptr<Loader> loader) : loader_(std::move(loader)) {}
  const RawBatch& next() override { return loader_->next(); }
  double waited() const override { return loader_->waited(); }

 private:
  std::unique_ptr<Loader> loader_;
};

}  // namespace fewlabel
