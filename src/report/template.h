// The templates of report.html (src/report/templates), which are a part of the library.
#pragma once
#include <string>
#include <string_view>

#include "fewlabel/config.h"

namespace fewlabel {

/// The bytes of src/report/templates/NAME; nothing when there is no such file.
std::string_view template_file(std::string_view name);

/// templates/NAME.html filled with `data`, by the rules of mustache (mustache.github.io, manual 5): {{x}} is escaped,
/// {{{x}}} is not, {{> x}} is templates/x.html. Two rules are stricter. A name is looked up in the object at hand
/// alone, not in those around it, so that what a run lacks never shows something else of the same name. And nothing but
/// true, numbers, and what is not empty opens a section: {{#x}} asks whether there is anything to show. Throws
/// Error{failure} when the template or a partial of it is missing or malformed.
std::string render(std::string_view name, const Json& data);

}  // namespace fewlabel
