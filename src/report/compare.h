// compare_json() of fewlabel/run.h for other programs and for documents.
#pragma once
#include <string>

#include "fewlabel/config.h"

namespace fewlabel {

/// One line a run: its name, its group (the settings that tell it from runs that differ in more than the seed), every
/// figure in full, then the settings that differ.
std::string compare_csv(const Json& comparison);

/// One row a run with the settings and the measured figures that differ; below it, where several runs differ in their
/// seed alone, one row a group with mean ± standard deviation.
std::string compare_markdown(const Json& comparison);

/// A value in a table: text without control characters, floats with four digits, "–" for nothing.
std::string cell_text(const Json& value);

}  // namespace fewlabel
