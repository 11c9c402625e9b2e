// One training within a run: the method under test, or the supervised baseline beside it.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "app/setup.h"
#include "eval/classify.h"
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
};

/// A net, its method and its trainer over prepared data.
class Stage {
 public:
  /// `data` must outlive the stage.
  Stage(const PreparedData& data, StageOptions options, TrainerHooks hooks = {});
  ~Stage();

  Trainer& trainer();
  Method& method();
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
