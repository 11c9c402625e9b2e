#include "modalities/text/tokenizer/text.h"

#include <algorithm>
#include <utility>

#include "fewlabel/error.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {

void check_growth(std::size_t size) {
  constexpr std::size_t kMost = std::size_t{1} << 25;
  if (size > kMost)
    throw Error(ErrorKind::data, "tokenizer", "a text becomes larger than 32 MB while it is normalized",
                "cut the text into parts, or use another tokenizer.json: its replacements may feed each other");
}

Span Text::span(uint32_t begin, uint32_t end) const {
  if (aligned_) return {spans_[begin].begin, spans_[end - 1].end};
  const std::string_view text = view();
  while (begin > 0 && continues(text[begin])) --begin;
  while (end < text.size() && continues(text[end])) ++end;
  return {base_ + begin, base_ + end};
}

void Text::make_spans() {
  if (aligned_ || !tracks()) return;
  const std::string_view text = view();
  spans_.resize(text.size());
  for (uint32_t at = 0; at < text.size();) {
    const uint32_t size = size_of_first(text[at]);
    std::fill_n(spans_.begin() + at, size, Span{base_ + at, base_ + at + size});
    at += size;
  }
  aligned_ = true;
}

std::string& Text::bytes() {
  if (!owned_) buffer_ = view_;
  owned_ = true;
  return buffer_;
}

void Text::assign(std::string text, std::vector<Span> spans) {
  buffer_ = std::move(text);
  owned_ = true;
  spans_ = std::move(spans);
  aligned_ = tracks();
}

void Text::transform(const std::vector<Change>& changes, std::size_t skipped) {
  const std::string_view text = view();
  std::string result;
  result.reserve(text.size() + 8);
  if (!tracks()) {
    for (const Change& change : changes) append_utf8(result, change.code);
    check_growth(result.size());
    buffer_ = std::move(result);
    owned_ = true;
    return;
  }
  make_spans();
  std::vector<Span> spans;
  spans.reserve(text.size() + 8);
  std::size_t at = 0;
  const auto step = [&] { at += at < text.size() ? size_of_first(text[at]) : 0; };
  for (std::size_t i = 0; i < skipped; ++i) step();
  for (const Change& change : changes) {
    Span span{origin_, origin_};
    const std::size_t from = change.change > 0 ? at - 1 : std::min(at, spans_.size() - 1);
    if (change.change <= 0 || at > 0) span = spans_[from];
    for (int32_t i = change.change; i <= 0; ++i) step();
    append_utf8(result, change.code);
    spans.insert(spans.end(), size_of_code(change.code), span);
  }
  check_growth(result.size());
  assign(std::move(result), std::move(spans));
}

void Text::prepend(std::string_view prefix) {
  if (empty()) return;
  if (tracks()) {
    make_spans();
    spans_.insert(spans_.begin(), prefix.size(), Span{spans_.front()});
  }
  bytes().insert(0, prefix);
  check_growth(buffer_.size());
}

Text Text::part(uint32_t begin, uint32_t end, uint32_t origin) const {
  Text result(view().substr(begin, end - begin), origin, track_);
  if (aligned_)
    result.assign(std::string(view().substr(begin, end - begin)), {spans_.begin() + begin, spans_.begin() + end});
  else
    result.base_ = base_ + begin;
  return result;
}

void Text::append(const Text& other) {
  check_growth(buffer_.size() + other.size());
  bytes();
  if (tracks()) {
    aligned_ = true;
    if (other.aligned_) {
      spans_.insert(spans_.end(), other.spans_.begin(), other.spans_.end());
    } else {
      Text copy = other;
      copy.make_spans();
      spans_.insert(spans_.end(), copy.spans_.begin(), copy.spans_.end());
    }
  }
  buffer_ += other.view();
}

}  // namespace fewlabel::tokenizing
