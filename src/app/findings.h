// What a finished training can do, measured: the head of summary.json, evaluation.json and predictions.csv.
#pragma once
#include <string>
#include <vector>

#include "app/representation.h"
#include "app/stage.h"

namespace fewlabel {

struct Findings {
  Json summary = Json::object();  // figures of summary.json
  Json detail = Json::object();   // evaluation.json
  Json notes = Json::array();     // sentences a reader should bear in mind
  std::string predictions;        // predictions.csv; empty without a classifier
};

/// Of what stands beside the method under test, the figures of a classifier are enough.
enum class Depth { figures, whole };
/// The method as it stands (inside an AverageScope: with averaged weights), as far as the data have labels; whole: with
/// warnings and what it makes of the unlabelled examples. Throws Error{interrupted or terminated} when cancelled.
Findings measure(Stage& stage, const PreparedData& data, const Plan& plan, const Normalization& rule,
                 Depth depth = Depth::whole);

/// Why nothing was judged on a test set.
std::string no_test(const PreparedData& data);

/// How many examples plan.probe ("quick" or "full") allows.
ProbeLimits probe_limits(const Plan& plan);

/// Figures for the curves while training goes on: accuracy on a fixed part of the judged examples (of a classifier, or
/// of the nearest neighbours of an encoder). Nothing is chosen by them.
std::vector<std::pair<std::string, double>> monitored(Stage& stage, const PreparedData& data, const Plan& plan,
                                                      const Normalization& rule);

/// A sheet of samples as PNG bytes; the same seed each time, so that sheets can be compared.
std::string sample_sheet(Sampler& sampler, int64_t classes, uint64_t seed);

}  // namespace fewlabel
