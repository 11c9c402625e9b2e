#include "modalities/text/tokenizer/regex.h"

#include <fmt/format.h>
#include <oniguruma.h>

#include <algorithm>
#include <array>

#include "fewlabel/error.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

constexpr std::size_t kLongestPattern = 4096;

const OnigUChar* bytes_of(std::string_view text) { return reinterpret_cast<const OnigUChar*>(text.data()); }

struct Region {
  OnigRegion* region = onig_region_new();
  Region() = default;
  ~Region() { onig_region_free(region, 1); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
};

void initialize() {
  static const int done = [] {
    OnigEncoding encoding = ONIG_ENCODING_UTF8;
    return onig_initialize(&encoding, 1);
  }();
  if (done != ONIG_NORMAL) throw Error(ErrorKind::failure, "tokenizer", "oniguruma cannot be started");
}

}  // namespace

Regex::Regex(const std::string& pattern, const std::string& where) : where_(where) {
  initialize();
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::storage, where, fmt::format("has a regular expression that {}", why),
                "use an undamaged tokenizer.json");
  };
  if (pattern.size() > kLongestPattern) refuse(fmt::format("is longer than {} bytes", kLongestPattern));
  regex_t* compiled = nullptr;
  OnigErrorInfo info{};
  const int status = onig_new(&compiled, bytes_of(pattern), bytes_of(pattern) + pattern.size(), ONIG_OPTION_NONE,
                              ONIG_ENCODING_UTF8, ONIG_SYNTAX_RUBY, &info);
  if (status != ONIG_NORMAL) {
    std::array<OnigUChar, ONIG_MAX_ERROR_MESSAGE_LEN> text{};
    const int length = onig_error_code_to_str(text.data(), status, &info);
    refuse("cannot be read: " +
           std::string(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(std::max(length, 0))));
  }
  compiled_ = std::shared_ptr<void>(compiled, [](void* regex) { onig_free(static_cast<regex_t*>(regex)); });
}

void Regex::matches(std::string_view text, std::vector<Match>& matches) const {
  thread_local Region region;
  const auto size = static_cast<uint32_t>(text.size());
  const OnigUChar *begin = bytes_of(text), *end = begin + size;
  uint32_t done = 0;      // all before is in `matches`
  int64_t last_end = -1;  // of the last match: no empty one follows it at once
  for (uint32_t from = 0; from <= size;) {
    onig_region_clear(region.region);
    const int found = onig_search(static_cast<regex_t*>(compiled_.get()), begin, end, begin + from, end, region.region,
                                  ONIG_OPTION_NONE);
    if (found == ONIG_MISMATCH) break;
    if (found < 0)
      throw Error(ErrorKind::data, where_,
                  "has a regular expression that gives up on a text: it would try for too long",
                  "cut the text into parts, or use another tokenizer.json");
    const auto first = static_cast<uint32_t>(region.region->beg[0]),
               past = static_cast<uint32_t>(region.region->end[0]);
    if (first == past && last_end == static_cast<int64_t>(past)) {
      from += from < size ? size_of_first(text[from]) : 1;
      continue;
    }
    if (done != first) matches.push_back({done, first, false});
    matches.push_back({first, past, true});
    done = from = past;
    last_end = past;
  }
  if (done != size) matches.push_back({done, size, false});
}

void match_literal(std::string_view text, std::string_view literal, std::vector<Match>& matches) {
  const auto size = static_cast<uint32_t>(text.size()), step = static_cast<uint32_t>(literal.size());
  uint32_t done = 0;
  for (std::size_t at = text.find(literal); at != std::string_view::npos; at = text.find(literal, done)) {
    const auto first = static_cast<uint32_t>(at);
    if (done != first) matches.push_back({done, first, false});
    matches.push_back({first, first + step, true});
    done = first + step;
  }
  if (done != size) matches.push_back({done, size, false});
}

}  // namespace fewlabel::tokenizing
