#include "data/suffixes.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace fewlabel {

std::optional<Kind> kind_of_file(std::string_view name) {
  constexpr std::array kImages = {"jpg", "jpeg", "jpe", "jfif", "png",  "webp", "tif", "tiff",
                                  "bmp", "dib",  "gif", "heic", "heif", "hif",  "avif"};
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string suffix = lower(name.substr(dot + 1));
  if (suffix == "txt") return Kind::text;
  if (std::find(kImages.begin(), kImages.end(), suffix) != kImages.end()) return Kind::image;
  return {};
}

}  // namespace fewlabel
