#include "report/heartbeat.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <limits>
#include <utility>

#include "core/files.h"
#include "core/json_text.h"

namespace fewlabel {
namespace {

constexpr auto kAtMost = std::chrono::seconds(1);  // renaming a file costs as much as some steps of a small net

}  // namespace

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

double seconds_since(const std::string& utc) {
  std::tm time = {};
  const char* end = ::strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time);
  if (end == nullptr || *end != '\0') return std::numeric_limits<double>::infinity();
  return std::difftime(std::time(nullptr), ::timegm(&time));
}

Heartbeat::Heartbeat(std::filesystem::path file, std::chrono::milliseconds between)
    : file_(std::move(file)), between_(between) {}

Heartbeat::~Heartbeat() { thread_ = {}; }

void Heartbeat::write(Json status) {
  const bool running = status.at("state") == "running";
  if (!running) thread_ = {};  // stops and joins: nothing may say "running" after this
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
  const bool changed = status_["state"] != written_state_;
  if (changed || Clock::now() - written_ >= kAtMost) put(changed);
  if (running && !thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { beat(stop); });
}

void Heartbeat::beat(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, between_, [] { return false; });
    if (!stop.stop_requested()) put(false);
  }
}

void Heartbeat::put(bool durable) {
  status_["heartbeat"] = utc_now();
  // File names in a message need not be UTF-8; a replacement character is better than no status.
  write_file(file_, json_text(status_, 2) + "\n", durable ? Durability::durable : Durability::scratch);
  written_state_ = status_["state"];
  written_ = Clock::now();
}

}  // namespace fewlabel
