#include "core/work.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "core/cancel.h"
#include "core/text.h"

namespace fewlabel {
namespace {

constexpr int64_t kPatience = 1000, kBetween = 100;  // milliseconds

std::mutex mutex;
WorkListener listening;  // one a process, as the signals that stop it are

}  // namespace

Work::Work(std::string name, int64_t total) : name_(std::move(name)), total_(total), told_(kPatience - kBetween) {}

Work::~Work() {
  if (told_ <= kPatience - kBetween) return;
  try {
    tell(true);
  } catch (...) {  // a listener that fails must not take the work with it
  }
}

int64_t Work::milliseconds() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_).count();
}

void Work::advance(int64_t by) {
  done_ += by;
  check();
  const int64_t now = milliseconds();
  int64_t told = told_;
  if (now - told >= kBetween && told_.compare_exchange_strong(told, now)) tell(false);
}

void Work::check() const {
  const auto kind = cancelled();
  if (!kind) return;
  throw Error(*kind, name_,
              total_ > 0 ? fmt::format("stopped after {} of {}", with_commas(done_), with_commas(total_)) : "stopped");
}

void Work::tell(bool ended) const {
  const std::lock_guard lock(mutex);
  if (listening) listening({name_, done_, total_, static_cast<double>(milliseconds()) / 1000, ended});
}

void listen_to_work(WorkListener listener) {
  const std::lock_guard lock(mutex);
  listening = std::move(listener);
}

}  // namespace fewlabel
