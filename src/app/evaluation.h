// From logits and labels to what a person wants to know: evaluation.json, predictions.csv and the head of summary.json.
#pragma once
#include <torch/torch.h>

#include <string>
#include <vector>

#include "app/setup.h"
#include "fewlabel/config.h"
#include "fewlabel/net.h"

namespace fewlabel {

struct Evaluation {
  Json summary;             // accuracy, accuracy_low, accuracy_high, ece, ece_calibrated, temperature, test_examples
  Json detail;              // evaluation.json (docs/run-folder.md)
  std::string predictions;  // predictions.csv: path, label, predicted, probability
};

/// `logits`: one row for each example of `pool`, whose labels are all known.
Evaluation evaluate_logits(const Tensor& logits, const Pool& pool, const ImageStore& store, const Source& source,
                           const std::vector<std::string>& classes);

/// NAME_accuracy with its Wilson interval (95 %), NAME_low and NAME_high.
Json accuracy_figures(const std::string& name, const Tensor& logits, const std::vector<int32_t>& labels);

/// Pictures of labelled examples, at most ten a class and 200 in all: [{class, png_base64}].
Json label_pictures(const PreparedData& data);

/// "…png" pixels as base64, for a page that needs no other file.
std::string picture(const ImageStore& store, int64_t index);

}  // namespace fewlabel
