// What a person who waits for work sees of it, on standard error.
#pragma once
#include <cstdio>
#include <string>

#include "core/live_line.h"
#include "core/work.h"

namespace fewlabel {

/// "decoding images  1,200/5,000 [#####---------------]  430 a second  9 s left", cut to `columns`.
std::string work_line(const WorkState& state, int columns);

/// Shows the work of the process for as long as it lives: a bar that goes when the work is done, a line every ten
/// seconds, or JSON lines {"event": "work", "name", "done", "total", "seconds"}, one a second.
class WorkLines {
 public:
  explicit WorkLines(ProgressMode mode, std::FILE* out = stderr);
  ~WorkLines();
  WorkLines(const WorkLines&) = delete;
  WorkLines& operator=(const WorkLines&) = delete;

 private:
  void show(const WorkState& state);
  LiveLine line_;
};

}  // namespace fewlabel
