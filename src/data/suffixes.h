// Which files hold one example each, by their names alone: folders of a million files are indexed without opening one.
#pragma once
#include <optional>
#include <string_view>

#include "fewlabel/layout.h"

namespace fewlabel {

/// Nothing for a file of any other suffix (in any case).
std::optional<Kind> kind_of_file(std::string_view name);
inline bool has_image_suffix(std::string_view name) { return kind_of_file(name) == Kind::image; }

}  // namespace fewlabel
