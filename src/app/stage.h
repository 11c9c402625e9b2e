// One training within a run: the method under test, or the supervised baseline beside it.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "app/setup.h"
#include "eval/classify.h"
#include "fewlabel/method.h"
#include "fewlabel/trainer.h"

namespace fewlabel {

struct StageOptions {
  TrainConfig plan;  // with train.steps set, but for measuring
  Normalization normalization;
  std::filesystem::path checkpoints;  // empty: none are written
  std::string resume_command;
  Json identity;
};

/// A net, its method and its trainer over prepared data.
class Stage {
 public:
  /// `data` must outlive the stage.
  Stage(const PreparedData& data, StageOptions options, TrainerHooks hooks = {});
  ~Stage();

  Trainer& trainer();
  Method& method();
  /// What the method can do; null where it cannot.
  Classifier* classifier();
  Net network();  // of a classifier
  /// Logits of the net as it stands (inside an AverageScope: of the averaged one) for examples of a store.
  Tensor logits(const ImageStore& store, const std::vector<int64_t>& indices);
  int64_t parameters();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The supervised baseline of a plan: same net, augmentation and optimiser, labels alone.
TrainConfig baseline_of(const TrainConfig& plan);

}  // namespace fewlabel
