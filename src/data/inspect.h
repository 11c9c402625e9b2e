// What is in a dataset: counts, classes, sizes, damaged and repeated images. Decodes every example.
#pragma once
#include <string>

#include "fewlabel/config.h"
#include "fewlabel/modality.h"

namespace fewlabel {

/// {name, kind, origin, notes, classes, train, test, validation, in_both, in_validation}; train, test and validation
/// (null without one) each hold {examples, labeled, unlabeled, per_class, formats, left_out, damaged, repeated} and, of
/// images, {sizes, channels}, of others {lengths}; in_both and in_validation what is in the training set as well.
/// Repeats are found by decoded values; of texts, nearly_repeated counts those that differ in case, punctuation and
/// spaces alone. With options.strict a damaged example throws Error{data}.
Json inspect(const Dataset& dataset, const Modality& modality, const DataOptions& options);

/// The same, with {name, labeled} as "split" where a split was asked for, for people: plain text of at most 80 columns.
std::string inspect_text(const Json& result);

}  // namespace fewlabel
