#include "core/cancel.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>

namespace fewlabel {
namespace {

std::atomic<int> requested{0};  // 0 none, else the signal

extern "C" void on_signal(int number) {
  int none = 0;
  if (!requested.compare_exchange_strong(none, number) && number != SIGHUP) _exit(128 + number);
}

}  // namespace

void watch_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaction(number, &action, nullptr);
  struct sigaction before = {};
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

std::optional<ErrorKind> cancelled() {
  const int number = requested.load();
  if (number == 0) return std::nullopt;
  return number == SIGINT ? ErrorKind::interrupted : ErrorKind::terminated;
}

void stop_if_cancelled(std::string_view where, std::string_view message) {
  if (const auto kind = cancelled()) throw Error(*kind, std::string(where), std::string(message));
}

bool is_stop(ErrorKind kind) { return kind == ErrorKind::interrupted || kind == ErrorKind::terminated; }

void request_cancel(ErrorKind kind) { requested = kind == ErrorKind::interrupted ? SIGINT : SIGTERM; }
void clear_cancel() { requested = 0; }

}  // namespace fewlabel
