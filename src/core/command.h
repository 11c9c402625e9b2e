// Other programs: run to their end, and command lines for people to copy.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace fewlabel {

/// Standard output of argv[0], found on PATH, with these "NAME=value" added to the environment. Its standard error is
/// passed on. Throws Error{failure} when it cannot be started or ends with another code than 0.
std::string output_of(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});

/// How a program ended: by itself, or by a signal.
struct Ended {
  int code = 0, signal = 0;
};
/// Runs argv[0] (a path) to its end, with our own streams and in a process group of its own, so that Ctrl-C at the
/// terminal reaches us alone: `pass_on` is asked all the time and, once it gives a signal, that is sent on, once.
/// Should this process end before, the program is sent SIGTERM. Throws Error{failure} when it cannot be started.
Ended run_program(const std::vector<std::string>& argv, const std::function<int()>& pass_on);

/// A word of a command line, in quotes where a shell would take it for something else.
std::string shell_word(const std::string& word);

}  // namespace fewlabel
