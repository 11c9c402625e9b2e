// One training within a run: the method under test, or the supervised baseline beside it.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "app/setup.h"
#include "eval/classify.h"
#include "eval/feature_bank.h"
#include "eval/initial.h"
#include "eval/saved_method.h"
#include "eval/transcriber.h"
#include "fewlabel/trainer.h"

namespace fewlabel {

struct StageOptions {
  Plan plan;
  Conduct conduct;
  Normalization normalization;
  std::filesystem::path checkpoints;  // empty: none are written
  std::string resume_command;
  Json identity;
  std::shared_ptr<const InitialNet> initial;  // weights to start from; may be null
  std::shared_ptr<FeatureBank> bank;          // of features, for methods that learn a head alone; null: an own one
};

/// A net, its method and what trains it over prepared data.
class Stage {
 public:
  /// `data` must outlive the stage.
  Stage(const PreparedData& data, StageOptions options, TrainerHooks hooks = {});
  ~Stage();

  /// Goes on from the newest checkpoint that verifies (Trainer::resume()); its step. A head is learnt in one go: 0.
  int64_t resume();
  void run();
  int64_t step() const;
  int64_t steps() const;
  AverageScope averaged();
  /// Trainer::measure_step_seconds(); of a head: 0.
  double measure_step_seconds(int64_t warm, int64_t measured, double seconds);
  Method& method();
  /// What the method decided on the way; empty: nothing.
  std::string sentence() const;
  /// Null where the method is none.
  Classifier* classifier();
  /// Logits of the net as it stands (inside an AverageScope: of the averaged one) for examples of a store.
  Tensor logits(const ExampleStore& store, const std::vector<int64_t>& indices);
  /// Null where the method is none.
  Transcriber* transcriber();
  /// What it hears in examples of a store.
  std::vector<Transcript> transcripts(const ExampleStore& store, const std::vector<int64_t>& indices, int64_t beam);
  /// How much each token of texts speaks for a class (eval/saliency.h); nothing of other kinds.
  std::vector<std::vector<float>> weights(const ExampleStore& store, const std::vector<int64_t>& indices,
                                          const std::vector<int64_t>& classes);
  int64_t parameters();
  /// What is needed to build the method again.
  const MethodCard& card() const;
  /// Whether another training can start from its net.
  bool hands_on() const;
  /// What was taken over from the initial weights; empty where there were none.
  const std::string& initial_sentence() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fewlabel
