// What makes figures say more than they should: examples that were taught and are asked, or taught twice differently.
#pragma once
#include <string>
#include <vector>

#include "app/setup.h"

namespace fewlabel {

/// Sentences: how many examples of the test or validation set have the values of a training example, and how many
/// groups of equal labelled examples have several labels. Values are compared as the net gets them, so that pictures
/// which differ in size alone may count. Where the training set has more than `most_bytes`, its unlabelled examples
/// are not looked at. Throws Error{interrupted or terminated} when cancelled.
std::vector<std::string> describe_copies(const PreparedData& data, int64_t most_bytes);

}  // namespace fewlabel
