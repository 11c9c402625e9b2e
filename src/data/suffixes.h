// Which files hold one example each, by their names alone: folders of a million files are indexed without opening one.
#pragma once
#include <optional>
#include <string_view>

#include "fewlabel/layout.h"

namespace fewlabel {

/// For sentences to people. HEIC and AVIF are among them in every build: one that cannot read them names their files as
/// damaged and says what to do, which is better than to leave somebody's photographs out without a word.
inline constexpr std::string_view kImageFormats = "JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC and AVIF";

inline constexpr std::string_view kSoundFormats = "WAV, FLAC, OGG, Opus, MP3, AIFF, AU and CAF";

/// Nothing for a file of any other suffix (in any case).
std::optional<Kind> kind_of_file(std::string_view name);
/// What a person does not see in a folder, and what macOS adds to archives.
inline bool is_hidden_name(std::string_view name) { return name.starts_with('.') || name == "__MACOSX"; }
/// Whether one example is a file of its own as a rule: a picture, a recording.
bool holds_file(Kind kind);
/// For sentences: what is read of a kind.
std::string_view formats_of(Kind kind);
inline bool has_image_suffix(std::string_view name) { return kind_of_file(name) == Kind::image; }

}  // namespace fewlabel
