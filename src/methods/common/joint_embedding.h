// What the joint-embedding methods share: the views they compare and the settings of their recipes.
#pragma once
#include "fewlabel/method.h"

namespace fewlabel {

/// Two views of each example; the batch is the unlabelled one, and batch norm in the heads couples its examples.
Needs two_views();

/// Optimiser and loop for short runs (a few thousand updates). No weight average: running statistics of batch norm
/// belong to the live weights.
Json joint_embedding_settings(double lr);

/// Local views beside the two global ones (SwAV, arXiv:2006.09882, section 3.2; DINO): small parts of the image, which
/// are compared with the global views and never with each other.
struct MultiCropConfig {
  int64_t local_views = 0;
  double local_scale = 0.3;
  void fields(FieldVisitor& field);
  Needs needs() const;
};

}  // namespace fewlabel
