#include "cli/guard.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>

#include "core/console.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {

int guarded(const std::function<void()>& work) {
  try {
    work();
    errno = 0;
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0)
      throw Error(ErrorKind::storage, "standard output",
                  fmt::format("could not be written: {}", std::strerror(errno ? errno : EIO)));
    return 0;
  } catch (const std::exception& error) {
    const Error told = as_error(error);
    // What is told may quote a name or a value of a file, which must not move the cursor.
    const Error shown(told.kind(), printable(told.where()), printable(told.message()), printable(told.hint()));
    tell_folded(stderr, fmt::format("fewlabel: {}\n", shown.what()));
    return exit_code(told.kind());
  }
}

void end_quietly_on_closed_pipe() { std::signal(SIGPIPE, SIG_DFL); }

}  // namespace fewlabel
