#include "data/suffixes.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace fewlabel {

std::optional<Kind> kind_of_file(std::string_view name) {
  constexpr std::array kImages = {"jpg", "jpeg", "jpe", "jfif", "png",  "webp", "tif", "tiff",
                                  "bmp", "dib",  "gif", "heic", "heif", "hif",  "avif"};
  constexpr std::array kSounds = {"wav", "wave", "flac", "ogg", "oga", "opus", "mp3",
                                  "aif", "aiff", "aifc", "au",  "snd", "caf",  "w64"};
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string suffix = lower(name.substr(dot + 1));
  if (suffix == "txt") return Kind::text;
  if (std::find(kImages.begin(), kImages.end(), suffix) != kImages.end()) return Kind::image;
  if (std::find(kSounds.begin(), kSounds.end(), suffix) != kSounds.end()) return Kind::audio;
  return {};
}

bool holds_file(Kind kind) { return kind == Kind::image || kind == Kind::audio; }

std::string_view formats_of(Kind kind) {
  return kind == Kind::image ? kImageFormats : kind == Kind::audio ? kSoundFormats : "TXT";
}

}  // namespace fewlabel
