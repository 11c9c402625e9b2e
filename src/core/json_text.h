// JSON as text, whatever is in it.
#pragma once
#include <string>

#include "fewlabel/config.h"

namespace fewlabel {

/// On one line, or indented. Bytes that are not UTF-8, as names of files may hold, become U+FFFD.
std::string json_text(const Json& json, int indent = -1);

}  // namespace fewlabel
