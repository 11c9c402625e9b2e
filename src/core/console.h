// Text for people at a terminal: progress, notices, errors.
#pragma once
#include <cstdio>
#include <optional>
#include <string_view>

namespace fewlabel {

/// Writes and flushes. What cannot be written is lost: a closed pipe or a full disk behind standard error must not end
/// a training, nor hide the exit code of what went wrong.
void tell(std::FILE* out, std::string_view text) noexcept;

/// Columns of the terminal behind `out`, at most `most`; nothing where there is none.
std::optional<std::size_t> terminal_columns(std::FILE* out, std::size_t most = 80);

/// Sentences for people: on a terminal in lines that fit and break between words, elsewhere as they are.
void tell_folded(std::FILE* out, std::string_view text);

/// Fills standard streams that were closed with /dev/null, lest a file that the program opens takes their number and is
/// written into. Reading from and writing to them still fails.
void fill_closed_streams() noexcept;

}  // namespace fewlabel
