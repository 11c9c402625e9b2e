// How a representation is measured: probes learn from the labelled examples of the data and are judged on the judged
// ones, the test set where there is one. A method of the family self/ never saw a label in training.
#pragma once
#include "app/setup.h"
#include "eval/probe.h"
#include "fewlabel/config.h"

namespace fewlabel {

using FeatureFunction = std::function<Tensor(const Tensor&)>;

/// At most so many examples, evenly spaced; 0: all.
struct ProbeLimits {
  int64_t known = 0, judged = 0;
};

/// Frozen features of the labelled and of the judged examples.
class Representation {
 public:
  /// Throws Error{data} where the data have no labels to learn from or none to judge by.
  Representation(const PreparedData& data, const FeatureFunction& features, const Normalization& rule,
                 const ProbeLimits& limits = {});
  const Features& known() const { return known_; }
  const Features& judged() const { return judged_; }
  const Pool& judged_pool() const { return judged_pool_; }

 private:
  Pool judged_pool_;
  Features known_, judged_;
};

/// Whether probes can be judged at all.
bool can_probe(const PreparedData& data);
/// At most `most` of a pool, evenly spaced; 0: all.
Pool part_of(const Pool& pool, int64_t most);
/// The pixels themselves as features, and the rule under which they are in [0, 1].
FeatureFunction pixel_features();
Normalization pixel_rule(const Layout& layout);

/// The first two principal components: {points: [[x, y, class]], share: [of the variance, each]}, x and y from 0 to
/// 1000.
Json principal_map(const Features& features, int64_t most = 2000);

}  // namespace fewlabel
