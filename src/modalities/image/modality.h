// Pixels of files and records.
#pragma once
#include <memory>

#include "fewlabel/modality.h"

namespace fewlabel {

/// `max_pixels`: a larger image is refused before memory is taken.
std::unique_ptr<Modality> make_image_modality(int64_t max_pixels);

}  // namespace fewlabel
