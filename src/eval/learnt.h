// What a run learnt from, by content: model/learnt.safetensors. Evaluation tells by it what is a test from what was
// taught, wherever the files lie by then and whatever they are called.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "fewlabel/dataset.h"

namespace fewlabel {

/// XXH3-128 (16 bytes) of the decoded pixels of an example at the store's shape.
std::string content_of(const ExampleStore& store, int64_t index);

enum class Taught { never, without_label, with_label };

struct LearntExamples {
  std::unordered_set<std::string> with_label, without_label;  // content_of()
  int64_t unrecorded = 0;  // examples without a label that were learnt from as well and are not in here
  Taught of(const std::string& content) const;
  /// Adds what another run learnt from before this one went on with its weights.
  void add(const LearntExamples& before);
};

/// Of the examples of a store. Where the pixels of all are more than `most_bytes`, which may be more than memory holds,
/// only a part of those without a label, evenly spaced, is decoded and recorded.
/// Throws Error{interrupted or terminated} when cancelled.
LearntExamples learnt_examples(const ExampleStore& store, const std::vector<int64_t>& with_label,
                               const std::vector<int64_t>& without_label, int64_t most_bytes = int64_t{1} << 30);

/// Into a model/ folder. Throws Error{storage}.
void save_learnt(const std::filesystem::path& model, const LearntExamples& learnt);
/// From a model/ folder; nothing where there is no such file, as in runs of older versions. Throws Error{storage}
/// naming a damaged one.
std::optional<LearntExamples> load_learnt(const std::filesystem::path& model);

}  // namespace fewlabel
