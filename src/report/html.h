// report.html: one self-contained page (no network) from the files of a run folder.
#pragma once
#include <optional>
#include <string>

#include "fewlabel/run.h"

namespace fewlabel {

/// The page. Whatever the folder lacks is left out; only the run itself must exist.
/// `state`: how the run ended, where status.json is yet to say it.
std::string report_html(const RunFolder& run, std::optional<RunState> state = {});
/// Writes it to run.report(). Throws Error{storage}.
void write_report(const RunFolder& run, std::optional<RunState> state = {});

}  // namespace fewlabel
