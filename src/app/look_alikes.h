// Pictures that are nearly the same, found without any net.
#pragma once
#include <vector>

#include "app/setup.h"

namespace fewlabel {

struct LookAlike {
  int64_t first = 0, second = 0;  // indices into the store
  int32_t first_label = kUnlabeled, second_label = kUnlabeled;
  double likeness = 0;  // correlation of the thumbnails; 1 where all pixels are equal
};
struct LookAlikes {
  int64_t compared = 0;          // examples
  std::vector<LookAlike> pairs;  // the most alike first
};

/// Among labelled examples, and between those and unlabelled ones and among these: pairs whose grey thumbnails of
/// 16 × 16 correlate and hardly differ in brightness. At most 4,000 examples are compared, half of the room for
/// labelled ones. Of `unlabelled` the labels, which may be hidden ones, are not looked at. Throws Error{interrupted or
/// terminated} when cancelled.
LookAlikes look_alikes(const Modality& modality, const ExampleStore& store, const Pool& labelled,
                       const Pool& unlabelled);

}  // namespace fewlabel
