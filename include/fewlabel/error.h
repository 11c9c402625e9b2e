// The one exception type of fewlabel. Anyone may throw and catch it; cli maps its kind to an exit code.
#pragma once
#include <exception>
#include <string>

namespace fewlabel {

enum class ErrorKind {
  failure,      // anything that fits nowhere else, bugs included
  usage,        // an option, a key or a value that is not understood
  data,         // the user's examples or labels
  diverged,     // training produced NaN or infinity
  memory,       // not enough memory
  storage,      // disk full, unreadable or damaged files of ours, a locked run
  interrupted,  // SIGINT, after a clean checkpoint
  terminated,   // SIGTERM, likewise
};

/// The exit code of the program for a kind: 1, 2, 3, 4, 5, 6, 130, 143 in the order above.
int exit_code(ErrorKind kind);

/// "[where] message" and, on a second line, what to do about it.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string where, std::string message, std::string hint = {});

  ErrorKind kind() const { return kind_; }
  const std::string& where() const { return where_; }      // a module or a file, for example "config" or a path
  const std::string& message() const { return message_; }  // what was got and what was wanted
  const std::string& hint() const { return hint_; }        // what to do; may be empty
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorKind kind_;
  std::string where_, message_, hint_, text_;
};

/// Any exception as one of ours: an Error as it is; std::bad_alloc and libtorch's words for it as Error{memory}; all
/// others as Error{failure} with their first line, since libtorch's carry a backtrace that helps nobody at a terminal.
Error as_error(const std::exception& error);

}  // namespace fewlabel
