// Rows of numbers.
#pragma once
#include <memory>

#include "fewlabel/modality.h"

namespace fewlabel {

/// A row with a number that is missing or infinite is damaged.
std::unique_ptr<Modality> make_table_modality();

}  // namespace fewlabel
