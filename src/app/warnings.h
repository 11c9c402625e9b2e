// What a person should be warned of once a training is over. A pure function of what was measured; it knows no data and
// no net. A warning must stand for something: a healthy run gets none.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fewlabel/config.h"

namespace fewlabel {

/// Counts are by class. Empty where nothing was measured.
struct Observed {
  std::vector<std::string> classes;
  std::vector<int64_t> labels;                 // labelled examples that were learnt from
  std::vector<int64_t> judged_called;          // what the model said to the judged examples …
  std::vector<int64_t> judged_true;            // … and what they are
  std::vector<int64_t> unlabelled;             // what it said to unlabelled examples …
  std::vector<int64_t> unlabelled_true;        // … and what they are, where the hidden labels of all are known
  int64_t labels_asked = 0, labels_right = 0;  // labelled examples that were put to it, and its right answers
  std::optional<double> temperature;           // fitted on the judged examples
  std::optional<double> accuracy;              // on these
};

struct Warning {
  std::string kind;      // one_class, never_predicted, labels_not_learnt, shares_apart, temperature_at_bound
  std::string sentence;  // what was seen, what it may mean, what to do
};
/// The gravest first.
std::vector<Warning> warnings_of(const Observed& seen);

/// [{kind, sentence}] as summary.json holds them.
Json warnings_json(const std::vector<Warning>& warnings);

}  // namespace fewlabel
