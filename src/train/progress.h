// What a training shows while it runs, on standard error: a live line, a line now and then, JSON lines, or nothing.
#pragma once
#include <cstdio>
#include <string>

#include "core/live_line.h"
#include "fewlabel/trainer.h"

namespace fewlabel {

/// What one line says.
struct ProgressState {
  std::string name;  // of the method
  StepRecord step;
  double loss = 0, kept = 0;
  bool has_loss = false, has_kept = false;
};
/// "freematch  1,200/5,000 [########------------] loss 0.532  kept 83 %  1,310 ex/s  2 min 05 s left", cut to
/// `columns`.
std::string progress_line(const ProgressState& state, int columns);

class Progress {
 public:
  explicit Progress(ProgressMode mode, std::FILE* out = stderr);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(const std::string& name);
  void step(const StepRecord& record);
  void log(const LogRecord& record);
  /// A sentence of its own, above the bar.
  void say(const std::string& sentence);
  void end();

 private:
  void show();

  LiveLine line_;
  bool open_ = false, shown_ = true;  // a step came since begin(); and is on the line
  ProgressState state_;
};

}  // namespace fewlabel
