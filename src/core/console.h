// Text for people at a terminal: progress, notices, errors.
#pragma once
#include <cstdio>
#include <string_view>

namespace fewlabel {

/// Writes and flushes. What cannot be written is lost: a closed pipe or a full disk behind standard error must not end
/// a training, nor hide the exit code of what went wrong.
void tell(std::FILE* out, std::string_view text) noexcept;

/// Fills standard streams that were closed with /dev/null, lest a file that the program opens takes their number and is
/// written into. Reading from and writing to them still fails.
void fill_closed_streams() noexcept;

}  // namespace fewlabel
