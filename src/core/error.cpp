#include "fewlabel/error.h"

#include <new>
#include <string_view>
#include <utility>

namespace fewlabel {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::failure:
      return 1;
    case ErrorKind::usage:
      return 2;
    case ErrorKind::data:
      return 3;
    case ErrorKind::diverged:
      return 4;
    case ErrorKind::memory:
      return 5;
    case ErrorKind::storage:
      return 6;
    case ErrorKind::interrupted:
      return 130;
    case ErrorKind::terminated:
      return 143;
  }
  return 1;
}

Error::Error(ErrorKind kind, std::string where, std::string message, std::string hint)
    : kind_(kind), where_(std::move(where)), message_(std::move(message)), hint_(std::move(hint)) {
  text_ = "[" + where_ + "] " + message_;
  if (!hint_.empty()) text_ += "\n  " + hint_;
}

Error as_error(const std::exception& error) {
  if (const auto* own = dynamic_cast<const Error*>(&error)) return *own;
  const std::string_view text = error.what();
  const auto says = [&text](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (dynamic_cast<const std::bad_alloc*>(&error) || says("allocate memory") || says("out of memory"))
    return {ErrorKind::memory, "memory", "there is not enough memory for this",
            "a smaller train.batch, data.size or data.cache_mb needs less"};
  return {ErrorKind::failure, "internal", std::string(text.substr(0, text.find('\n'))),
          "this should not happen; please report it with the output of `fewlabel doctor`"};
}

}  // namespace fewlabel
