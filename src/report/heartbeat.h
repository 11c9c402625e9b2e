// status.json of a run that lives: rewritten every ten seconds, whatever the run is busy with, so that others can tell
// a dead one from one on another machine.
#pragma once
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "fewlabel/config.h"

namespace fewlabel {

/// "2026-11-23T08:15:00Z"
std::string utc_now();
/// Since such a time; infinite for other text.
double seconds_since(const std::string& utc);

class Heartbeat {
 public:
  explicit Heartbeat(std::filesystem::path file, std::chrono::milliseconds between = std::chrono::seconds(10));
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  /// Writes `status` with the time as its "heartbeat"; while its "state" is "running", again and again. Another state
  /// than before is durable and throws Error{storage}; all else is scratch, and written once a second at most.
  void write(Json status);

 private:
  using Clock = std::chrono::steady_clock;
  void beat(const std::stop_token& stop);
  void put(bool durable);

  std::filesystem::path file_;
  std::chrono::milliseconds between_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  Json status_;
  Json written_state_;  // null: none yet
  Clock::time_point written_;
  std::jthread thread_;
};

}  // namespace fewlabel
