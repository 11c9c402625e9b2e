// One line at a terminal that is drawn again and again, or a line now and then where there is none.
#pragma once
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace fewlabel {

enum class ProgressMode { bar, plain, json, none };

/// Several may write to one terminal in turns, each over what the last one left; not from several threads at once.
class LiveLine {
 public:
  /// A bar needs a terminal: elsewhere it becomes plain lines.
  LiveLine(ProgressMode mode, std::FILE* out);
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  ProgressMode mode() const { return mode_; }
  int columns() const;
  /// Whether it is time to draw again: 0.1 s after the last time as a bar, 10 s as plain lines, 1 s as JSON.
  bool due() const;
  /// The time to the next line counts from now.
  void restart() { last_ = Clock::now(); }
  /// As a bar or plain; else nothing.
  void draw(const std::string& text);
  /// Whether what was drawn last is what the terminal shows; plain lines stay for ever.
  bool standing() const;
  /// Text of its own, whole lines; a bar is cleared first.
  void print(std::string_view lines);
  /// The same, at a terminal folded at words.
  void print_folded(std::string_view lines);
  void clear();
  /// The bar, if there is one, stays and what comes next begins below it.
  void end();

 private:
  using Clock = std::chrono::steady_clock;
  ProgressMode mode_;
  std::FILE* out_;
  bool colour_ = false;
  Clock::time_point last_;
};

/// "[########------------]" for a share between 0 and 1.
std::string bar_of(double share);

}  // namespace fewlabel
