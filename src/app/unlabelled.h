// What a trained classifier makes of the examples that have no label, and of those that have: for the report of a run
// that no test set judges, and for its warnings.
#pragma once
#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

#include "app/setup.h"
#include "fewlabel/config.h"

namespace fewlabel {

/// Answers of a classifier to examples of the training store.
struct Answers {
  Pool pool;                  // which were asked
  int64_t of = 0;             // out of so many
  torch::Tensor probability;  // pool.size() × classes, fp32
  int64_t size() const { return pool.size(); }
};

/// Logits (count × classes) of examples of a store.
using LogitFunction = std::function<torch::Tensor(const ExampleStore& store, const std::vector<int64_t>& indices)>;

/// Asks at most `most` of a pool, evenly spaced; damaged ones are left out.
/// Throws Error{interrupted or terminated} soon after it was asked to stop.
Answers ask(const LogitFunction& logits, const ExampleStore& store, const Pool& pool, int64_t most);

/// How many are called each class.
std::vector<int64_t> called(const Answers& answers, std::size_t classes);
/// How many of a pool are of each class; those without a label are passed over.
std::vector<int64_t> class_counts(const Pool& pool, std::size_t classes);
int64_t right_answers(const Answers& answers);

/// What is worth a look: "unlabelled" of evaluation.json (docs/run-folder.md). Cost is bounded: pairs are sought among
/// the answers' examples, 4,000 of them at most. Throws as ask().
Json unlabelled_json(const Answers& labelled, const Answers& unlabelled, const PreparedData& data);

}  // namespace fewlabel
