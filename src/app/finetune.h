// A probe that trains: the net of a run, fine-tuned with a few labels, beside the same net from scratch.
#pragma once
#include "app/setup.h"
#include "eval/initial.h"
#include "fewlabel/config.h"
#include "train/batches.h"

namespace fewlabel {

struct FinetuneRule {
  int64_t labels = 100, steps = 1000;
  int64_t seed = 0;  // of the choice of labels and of the training
};
/// Supervised training with the default settings of a run of that length. {labels, steps, finetune_accuracy,
/// finetune_low, finetune_high, scratch_accuracy, …}
Json finetune(const PreparedData& data, const FinetuneRule& rule, const Normalization& normalization,
              const std::shared_ptr<const InitialNet>& initial);

/// The same data with so many labels, balanced by class; the others are hidden.
PreparedData with_labels(const PreparedData& data, int64_t labels, int64_t seed);

}  // namespace fewlabel
