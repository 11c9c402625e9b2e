// What is in a dataset: counts, classes, sizes, damaged and repeated images. Decodes every example.
#pragma once
#include <string>

#include "fewlabel/config.h"
#include "fewlabel/dataset.h"

namespace fewlabel {

/// {name, origin, classes, train, test, in_both}; train and test (null without one) each hold {examples, labeled,
/// unlabeled, per_class, sizes, channels, formats, left_out, damaged, repeated}. Repeats are found by decoded pixels.
/// With options.strict a damaged example throws Error{data}.
Json inspect(const Dataset& dataset, const DataOptions& options);

/// The same, with {name, labeled} as "split" where a split was asked for, for people: plain text of at most 80 columns.
std::string inspect_text(const Json& result);

}  // namespace fewlabel
