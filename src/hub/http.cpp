#include "hub/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>

#include "core/cancel.h"
#include "core/number.h"
#include "core/text.h"
#include "fewlabel/version.h"

namespace fewlabel {
namespace {

constexpr int kMostHops = 10, kTries = 4;
constexpr long kConnectSeconds = 15, kStalledSeconds = 30;
constexpr double kLongestWait = 60;        // seconds between two tries
constexpr std::size_t kMostHeaders = 200;  // of an answer

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string part_of(const Url& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return {};
  std::string result = text;
  curl_free(text);
  return result;
}

Url parsed(const std::string& base, const std::string& relative = {}) {
  Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK) return {};
  if (!relative.empty() && curl_url_set(url.get(), CURLUPART_URL, relative.c_str(), 0) != CURLUE_OK) return {};
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  return (scheme == "http" || scheme == "https") && !part_of(url, CURLUPART_HOST).empty() ? std::move(url) : Url();
}

std::string origin_of(const Url& url) {
  return lower(part_of(url, CURLUPART_SCHEME) + "://" + part_of(url, CURLUPART_HOST)) + ":" +
         part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

bool is_passing(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

}  // namespace

PassingTrouble::PassingTrouble(std::string where, std::string message, double wait)
    : Error(ErrorKind::failure, std::move(where), std::move(message),
            "is the network up? The same command goes on where it was"),
      wait_(wait) {}

std::string HttpAnswer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::optional<int64_t> HttpAnswer::number(const std::string& name) const { return whole_number(header(name)); }

struct Http::Handle {
  CURL* curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

/// One request and its answer. libcurl is C: what the sink throws waits here until the transfer has ended.
struct Http::Transfer {
  HttpAnswer answer;
  const HttpSink* sink = nullptr;
  bool begun = false;
  std::exception_ptr thrown;

  bool wanted() const { return answer.status == 200 || answer.status == 206; }
  void begin() {
    if (begun || !wanted()) return;
    begun = true;
    sink->begin(answer);
  }

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) {
    HttpAnswer& answer = static_cast<Transfer*>(self)->answer;
    const std::string line = trim({data, size});
    if (line.starts_with("HTTP/")) {  // 100 Continue or a proxy's may come before
      answer.headers.clear();
      const auto space = line.find(' ');
      answer.status =
          space == std::string::npos ? 0 : static_cast<long>(whole_number(line.substr(space + 1, 3)).value_or(0));
      return size;
    }
    const auto colon = line.find(':');
    if (colon == std::string::npos || answer.headers.size() > kMostHeaders) return size;
    answer.headers[lower(line.substr(0, colon))] = trim(std::string_view(line).substr(colon + 1));
    return size;
  }
  static std::size_t on_bytes(char* data, std::size_t, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (!transfer.wanted()) return size;
    try {
      transfer.begin();
      transfer.sink->bytes({data, size});
      return size;
    } catch (...) {
      transfer.thrown = std::current_exception();
      return 0;
    }
  }
  static int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return cancelled() ? 1 : 0; }
};

Http::Http(const std::string& endpoint, std::string token) : endpoint_(endpoint), token_(std::move(token)) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  handle_ = std::make_unique<Handle>();
  if (started != CURLE_OK || !handle_->curl) throw Error(ErrorKind::failure, "network", "libcurl cannot be started");
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
  const Url url = parsed(endpoint_);
  if (!url || !part_of(url, CURLUPART_QUERY).empty() || !part_of(url, CURLUPART_FRAGMENT).empty())
    throw Error(ErrorKind::usage, "HF_ENDPOINT", fmt::format("'{}' is no address of a hub", printable(endpoint)),
                "wanted https://HOST; leave it out for https://huggingface.co");
  origin_ = origin_of(url);
  const auto fine = [](char c) { return c > ' ' && c < 127; };
  if (token_.size() > 1000 || !std::all_of(token_.begin(), token_.end(), fine))
    throw Error(ErrorKind::usage, "HF_TOKEN", "holds characters that no token has", "copy it again, without line ends");
}

Http::~Http() = default;

HttpAnswer Http::hop(const std::string& url, const HttpRequest& request, const HttpSink& sink) {
  CURL* curl = handle_->curl;
  curl_easy_reset(curl);  // its connections stay
  Transfer transfer;
  transfer.sink = &sink;
  std::unique_ptr<curl_slist, ListDeleter> headers;
  const auto add = [&headers](const std::string& line) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (!longer) throw std::bad_alloc();
    static_cast<void>(headers.release());
    headers.reset(longer);
  };
  const Url at = parsed(url);
  const std::string host = part_of(at, CURLUPART_HOST);
  if (!token_.empty() && origin_of(at) == origin_) add("Authorization: Bearer " + token_);
  if (request.from > 0) {
    add(fmt::format("Range: bytes={}-", request.from));
    if (!request.if_range.empty()) add("If-Range: " + request.if_range);
  }
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "fewlabel/" FEWLABEL_VERSION);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 1L << 18);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  const CURLcode code = curl_easy_perform(curl);
  stop_if_cancelled("encoders get", "stopped; the same command goes on where it was");
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (is_passing(code)) throw PassingTrouble(host, fmt::format("cannot be read: {}", curl_easy_strerror(code)));
  if (code != CURLE_OK)
    throw Error(ErrorKind::failure, host, fmt::format("cannot be read: {}", curl_easy_strerror(code)));
  const long status = transfer.answer.status;
  if (status == 408 || status == 429 || status >= 500)
    throw PassingTrouble(host, fmt::format("answers {}, again and again: it is overloaded or out of order", status),
                         static_cast<double>(transfer.answer.number("retry-after").value_or(0)));
  transfer.begin();  // where it had no bytes
  return transfer.answer;
}

HttpAnswer Http::get(const HttpRequest& request, const HttpSink& sink) {
  std::string url = request.url;
  std::map<std::string, std::string> linked;
  for (int hops = 0; hops < kMostHops; ++hops) {
    const HttpSink told = {[&](const HttpAnswer& answer) {
                             HttpAnswer whole = answer;
                             whole.linked = linked;
                             for (const auto& [name, value] : answer.headers)
                               if (name.starts_with("x-linked-")) whole.linked.emplace(name, value);
                             sink.begin(whole);
                           },
                           sink.bytes};
    HttpAnswer answer = hop(url, request, told);
    for (const auto& [name, value] : answer.headers)
      if (name.starts_with("x-linked-")) linked.emplace(name, value);
    const std::string location = answer.header("location");
    const bool moved = answer.status >= 301 && answer.status <= 308 && answer.status != 304 && !location.empty();
    if (!moved) {
      answer.linked = linked;
      return answer;
    }
    const Url next = parsed(url, location);
    if (!next || (url.starts_with("https:") && part_of(next, CURLUPART_SCHEME) != "https"))
      throw Error(ErrorKind::failure, part_of(parsed(url), CURLUPART_HOST),
                  fmt::format("sends on to '{}', which is not followed", printable(location.substr(0, 200))));
    url = part_of(next, CURLUPART_URL);
  }
  throw Error(ErrorKind::failure, endpoint_, fmt::format("sends on more than {} times", kMostHops));
}

void with_retries(const std::function<void()>& work, const std::function<bool()>& moved) {
  double wait = 0.5;
  for (int tries = 1;; ++tries) {
    try {
      return work();
    } catch (const PassingTrouble& trouble) {
      if (moved()) {
        tries = 1;
        wait = 0.5;
      }
      if (tries >= kTries) throw;
      using Clock = std::chrono::steady_clock;
      const auto until = Clock::now() + std::chrono::duration<double>(std::clamp(trouble.wait(), wait, kLongestWait));
      while (Clock::now() < until) {
        stop_if_cancelled("encoders get", "stopped; the same command goes on where it was");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      wait *= 2;
    }
  }
}

}  // namespace fewlabel
