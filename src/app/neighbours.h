// Why a model answers as it does: the labelled examples that look most alike to it.
#pragma once
#include <vector>

#include "app/representation.h"
#include "app/setup.h"
#include "fewlabel/config.h"

namespace fewlabel {

struct Neighbour {
  int64_t place = 0;    // row of the labelled features
  double likeness = 0;  // cosine of the features, both less the labelled ones' mean
};

/// labelled: L × D; asked: N × D. Of each of the N the nearest `most`, nearest first.
std::vector<std::vector<Neighbour>> nearest(const Tensor& labelled, const Tensor& asked, int64_t most);

/// The three nearest labelled examples of each of these of the judged store: [{class, name, likeness, and what attach()
/// puts there, unless it is a recording}]. At most 1,000 labelled examples are looked at.
std::vector<Json> labelled_neighbours(const PreparedData& data, const FeatureFunction& features,
                                      const Normalization& rule, const std::vector<int64_t>& asked);

}  // namespace fewlabel
