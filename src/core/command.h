// Other programs, run to their end.
#pragma once
#include <string>
#include <vector>

namespace fewlabel {

/// Standard output of argv[0], found on PATH, with these "NAME=value" added to the environment. Its standard error is
/// passed on. Throws Error{failure} when it cannot be started or ends with another code than 0.
std::string output_of(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});

}  // namespace fewlabel
