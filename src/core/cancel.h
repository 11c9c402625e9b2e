// Ctrl-C, SIGTERM and SIGHUP: the first asks the work in progress to stop, a training to finish its step and save; the
// second ends the process at once (a saved checkpoint stays intact).
#pragma once
#include <optional>
#include <string_view>

#include "fewlabel/error.h"

namespace fewlabel {

/// Installs the handlers for SIGINT, SIGTERM, SIGHUP (a terminal that was closed; `nohup` stays in force) and SIGUSR1,
/// which two do what SIGTERM does. A second SIGHUP is no second request: shell and kernel both send one.
void watch_signals();
/// interrupted or terminated once a signal came; safe from any thread.
std::optional<ErrorKind> cancelled();
/// Throws Error{interrupted or terminated} "[where] stopped" once a signal came; safe from any thread.
void stop_if_cancelled(std::string_view where = "fewlabel", std::string_view message = "stopped");
/// Whether an error says that work was stopped by a signal, and not that it failed.
bool is_stop(ErrorKind kind);
/// As if the signal had come; for tests and servers.
void request_cancel(ErrorKind kind);
void clear_cancel();

}  // namespace fewlabel
