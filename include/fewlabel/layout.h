// What an example is once it is decoded: so many values of one type. Free of libtorch.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace fewlabel {

/// The kinds of data. One run learns from one kind.
enum class Kind : uint8_t { image, text, table, audio };
inline constexpr Kind kAllKinds[] = {Kind::image, Kind::text, Kind::table, Kind::audio};
std::string_view to_string(Kind kind);  // "image"
/// One example of it, for sentences: "image", "text", "row", "recording".
std::string_view word_for_one(Kind kind);

/// Ids of tokens that mean the same with every tokenizer: padding, which is only ever at the end; a token that the
/// vocabulary lacks; what may stand before a text and after it ([CLS], [SEP]); and a hidden token ([MASK]).
inline constexpr int32_t kPadding = 0, kUnknown = 1, kFirst = 2, kLast = 3, kMask = 4;
inline constexpr int32_t kSpecialTokens = 5;  // their number: words come after them

/// Type and sizes of one decoded example; the same for all examples of a run.
struct Layout {
  enum class Type : uint8_t { u8, i32, f32 };
  Kind kind = Kind::image;
  Type type = Type::u8;
  /// image: {height, width, channels}, u8. text: {tokens}, i32 ids of which 0 is padding. table: {columns}, f32.
  /// audio: {mels, frames, 1} or {samples}, f32.
  std::vector<int32_t> sizes;
  int32_t vocabulary = 0;         // text: how many ids there are, padding among them
  int32_t rate = 0, longest = 0;  // audio: samples a second; how many are kept of a recording
  int64_t values() const;         // 0 where there are no sizes
  int64_t bytes() const;          // of all values: all that store and loader need to know
  bool operator==(const Layout&) const = default;
};

}  // namespace fewlabel
