// The one place where errors become text and exit codes.
#pragma once
#include <functional>

namespace fewlabel {

/// Runs `work` and returns the exit code of the program. What it throws is told on standard error: one line
/// "fewlabel: [where] message" and, below it, the hint. Standard output that could not be written is an error, too.
int guarded(const std::function<void()>& work);

/// A reader that went away (`| head`) ends the program without a word, as in other Unix tools.
void end_quietly_on_closed_pipe();

}  // namespace fewlabel
