// Work that may take longer than a second: it says how far it is, and stops when it is told to.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace fewlabel {

/// How far some work is.
struct WorkState {
  std::string name;             // "decoding images"
  int64_t done = 0, total = 0;  // total 0: nobody knows
  double seconds = 0;
  bool ended = false;
};

/// One piece of work, for as long as the object lives. advance() and check() may be called from several threads.
class Work {
 public:
  Work(std::string name, int64_t total);
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  /// So many more are done. Throws as check().
  void advance(int64_t by = 1);
  /// Throws Error{interrupted or terminated} once a signal came (core/cancel.h). Call it, or advance(), so often that
  /// nobody who pressed Ctrl-C waits for two seconds.
  void check() const;

 private:
  using Clock = std::chrono::steady_clock;
  int64_t milliseconds() const;
  void tell(bool ended) const;

  std::string name_;
  int64_t total_;
  std::atomic<int64_t> done_{0}, told_;
  Clock::time_point begun_ = Clock::now();
};

/// Told of work that takes longer than a second, ten times a second at most, and of its end. There is one listener a
/// process, never called by two threads at once. An empty one: nobody listens.
using WorkListener = std::function<void(const WorkState&)>;
void listen_to_work(WorkListener listener);

}  // namespace fewlabel
