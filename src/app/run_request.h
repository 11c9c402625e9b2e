// What `fewlabel train` asks of a run.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "app/app.h"

namespace fewlabel {

struct RunRequest {
  Json recipe;                         // with overrides applied; of a resumed run only `out` counts
  std::vector<std::string> overrides;  // as typed; a resumed run refuses those that would change it
  bool resume = false, overwrite = false;
  Chatter chatter = Chatter::plain;
  std::string command;                                                             // as typed
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();  // a budget counts from here
};

}  // namespace fewlabel
