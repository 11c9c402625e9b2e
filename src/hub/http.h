// GET, with what a download needs to know of the answer. Internal to src/hub.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fewlabel/error.h"

namespace fewlabel {

/// What may be gone when it is asked for again: no connection, a server that is overloaded, an answer that was cut off.
class PassingTrouble : public Error {
 public:
  PassingTrouble(std::string where, std::string message, double wait = 0);
  double wait() const { return wait_; }  // seconds that the server wants

 private:
  double wait_;
};

struct HttpRequest {
  std::string url;
  int64_t from = 0;      // bytes that are there already
  std::string if_range;  // the ETag that they belong to; empty: whatever is there now
};

struct HttpAnswer {
  long status = 0;
  std::map<std::string, std::string> headers;  // of the last answer, by lower-case name
  std::map<std::string, std::string> linked;   // "x-linked-…" of all on the way
  /// Empty where it is missing.
  std::string header(const std::string& name) const;
  /// A whole number; nothing where it is none.
  std::optional<int64_t> number(const std::string& name) const;
};

/// What becomes of an answer; both may throw.
struct HttpSink {
  std::function<void(const HttpAnswer&)> begin;  // of status 200 or 206, before its bytes
  std::function<void(std::string_view)> bytes;
};

/// One connection after another, kept where the server allows it. Follows redirects itself: the token goes to where the
/// endpoint is (scheme, host and port) and nowhere else, and what began encrypted goes on so.
class Http {
 public:
  /// Throws Error{usage} for an endpoint or a token that is none.
  Http(const std::string& endpoint, std::string token);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  const std::string& endpoint() const { return endpoint_; }  // without a '/' at its end
  bool has_token() const { return !token_.empty(); }
  /// Any status is an answer, but 408, 429 and 5xx, which are PassingTrouble. Throws that, Error{failure} for what no
  /// second try would mend, and Error{interrupted or terminated} within a second of a signal.
  HttpAnswer get(const HttpRequest& request, const HttpSink& sink);

 private:
  struct Transfer;
  struct Handle;
  HttpAnswer hop(const std::string& url, const HttpRequest& request, const HttpSink& sink);

  std::string endpoint_, origin_, token_;
  std::unique_ptr<Handle> handle_;
};

/// Tries up to four times, waiting longer each time, as long as what goes wrong is PassingTrouble; throws the last one.
/// `moved` says whether a try got further than the one before, so that it does not count.
void with_retries(const std::function<void()>& work, const std::function<bool()>& moved);

}  // namespace fewlabel
