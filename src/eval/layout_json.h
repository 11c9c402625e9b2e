// A layout as it stands in the files beside a model.
#pragma once
#include "fewlabel/config.h"
#include "fewlabel/layout.h"

namespace fewlabel {

/// {"kind": "image", "height", "width", "channels"}, {"kind": "text", "tokens", "vocabulary"} or {"kind": "table",
/// "columns"}.
Json layout_json(const Layout& layout);
/// The way back; without a kind it is of an image. Throws Json::exception for what is missing, Error{usage} for a kind
/// of a later version.
Layout layout_from(const Json& json);

/// In words: "28 × 28 × 1", "64 tokens".
std::string described(const Layout& layout);

}  // namespace fewlabel
