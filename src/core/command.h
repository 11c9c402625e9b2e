// Other programs: run to their end, and command lines for people to copy.
#pragma once
#include <string>
#include <vector>

namespace fewlabel {

/// Standard output of argv[0], found on PATH, with these "NAME=value" added to the environment. Its standard error is
/// passed on. Throws Error{failure} when it cannot be started or ends with another code than 0.
std::string output_of(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});

/// A word of a command line, in quotes where a shell would take it for something else.
std::string shell_word(const std::string& word);

}  // namespace fewlabel
