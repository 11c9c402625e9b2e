// A text on its way to tokens: what it has become, and for each byte where in the original that came from.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel::tokenizing {

/// Bytes of the original text, of whole characters.
struct Span {
  uint32_t begin, end;
};

/// One character of a rewritten text. `change` is 0 where it takes the place of one character, 1 where it is new beside
/// the one before, -n where it takes the place of 1 + n characters.
struct Change {
  char32_t code;
  int32_t change;
};

/// Whether to keep Spans at all: ids alone need none.
enum class Track { spans, nothing };

/// The alignment follows PyPI's `tokenizers` (NormalizedString), its rounding at the edges included, so that offsets
/// agree.
class Text {
 public:
  Text() = default;
  /// `original` must be valid UTF-8 and live as long as this. `origin` is where it begins in the text it is part of.
  Text(std::string_view original, uint32_t origin, Track track)
      : view_(original), origin_(origin), base_(origin), track_(track) {}

  std::string_view view() const { return owned_ ? std::string_view(buffer_) : view_; }
  uint32_t size() const { return static_cast<uint32_t>(view().size()); }
  bool empty() const { return view().empty(); }
  uint32_t origin() const { return origin_; }
  void set_origin(uint32_t origin) { origin_ = origin; }
  bool tracks() const { return track_ == Track::spans; }

  /// Where bytes [begin, end) came from; begin < end.
  Span span(uint32_t begin, uint32_t end) const;
  /// The span of the character that byte `at` belongs to.
  Span span_at(uint32_t at) const { return span(at, at + 1); }

  /// Rewrites the whole text. The first `skipped` characters vanish; each other one is accounted for by a Change.
  void transform(const std::vector<Change>& changes, std::size_t skipped = 0);
  /// Puts `prefix` before the text, as part of its first character. Nothing where the text is empty.
  void prepend(std::string_view prefix);
  /// Bytes to be changed in place, each character for one of the same size.
  std::string& bytes();
  /// Another text with a span for each byte (none where nothing is tracked).
  void assign(std::string text, std::vector<Span> spans);
  /// Bytes [begin, end) as a text of their own, which begins at `origin` in the original.
  Text part(uint32_t begin, uint32_t end, uint32_t origin) const;
  /// Adds another text at the end. Throws Error{data} where that becomes larger than any sensible text.
  void append(const Text& other);

 private:
  void make_spans();

  std::string_view view_;
  std::string buffer_;
  bool owned_ = false;
  uint32_t origin_ = 0;
  uint32_t base_ = 0;     // while `aligned_` is false: byte i of the text is byte base_ + i of the original
  bool aligned_ = false;  // spans_ holds one for each byte
  std::vector<Span> spans_;
  Track track_ = Track::spans;
};

/// Throws Error{data} for a text that a tokenizer's rules let grow without end.
void check_growth(std::size_t size);

}  // namespace fewlabel::tokenizing
