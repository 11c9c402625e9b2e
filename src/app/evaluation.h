// From logits and labels to what a person wants to know: evaluation.json, predictions.csv and the head of summary.json.
#pragma once
#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

#include "app/setup.h"
#include "fewlabel/config.h"
#include "fewlabel/net.h"

namespace fewlabel {

inline constexpr std::size_t kMistakes = 24;  // the worst, which are shown

struct Evaluation {
  Json summary;             // accuracy, accuracy_low, accuracy_high, ece, ece_calibrated, temperature, test_examples
  Json detail;              // evaluation.json (docs/run-folder.md)
  std::string predictions;  // predictions.csv: path, label, predicted, probability
};

/// Where examples are read and shown from.
struct Judged {
  const Modality& modality;
  const Source& source;
  const ExampleStore& store;
  /// How much each value of examples speaks for these classes; null: nothing is marked.
  std::function<std::vector<std::vector<float>>(const std::vector<int64_t>& indices,
                                                const std::vector<int64_t>& classes)>
      weights = nullptr;
  /// What of the labelled examples is near to these, an array for each; null: nobody asks.
  std::function<std::vector<Json>(const std::vector<int64_t>& indices)> neighbours = nullptr;
};

/// Puts what show() gave into an item of a JSON file: a picture as "png_base64", anything else as "exhibit".
void attach(Json& item, Json exhibit);

/// `logits`: one row for each example of `pool`, whose labels are all known.
Evaluation evaluate_logits(const Tensor& logits, const Pool& pool, const Judged& judged,
                           const std::vector<std::string>& classes);

/// NAME_accuracy with its Wilson interval (95 %), NAME_low and NAME_high.
Json accuracy_figures(const std::string& name, const Tensor& logits, const std::vector<int32_t>& labels);

/// Labelled examples, at most ten a class and 200 in all: [{class, and what attach() puts there}].
Json labelled_exhibits(const PreparedData& data);

}  // namespace fewlabel
