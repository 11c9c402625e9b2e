#include "core/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "core/wrap.h"

namespace fewlabel {

void tell(std::FILE* out, std::string_view text) noexcept {
  if (std::fwrite(text.data(), 1, text.size(), out) < text.size() || std::fflush(out) != 0) std::clearerr(out);
}

std::optional<std::size_t> terminal_columns(std::FILE* out, std::size_t most) {
  if (::isatty(::fileno(out)) == 0) return std::nullopt;
  winsize size = {};
  const bool known = ::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? std::min<std::size_t>(size.ws_col, most) : most;
}

void tell_folded(std::FILE* out, std::string_view text) {
  const auto width = terminal_columns(out);
  tell(out, width ? fold(text, *width) : std::string(text));
}

void fill_closed_streams() noexcept {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // open() takes the lowest free number, which is this one.
    if (::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) != stream) return;
  }
}

}  // namespace fewlabel
