#include "fewlabel/layout.h"

#include <fmt/format.h>

#include "fewlabel/error.h"
#include "fewlabel/image.h"

namespace fewlabel {

std::string_view to_string(Kind kind) {
  constexpr std::string_view kNames[] = {"image", "text", "table", "audio"};
  return kNames[static_cast<int>(kind)];
}

std::string_view word_for_one(Kind kind) {
  return kind == Kind::table ? "row" : kind == Kind::audio ? "recording" : to_string(kind);
}

int64_t Layout::values() const {
  if (sizes.empty()) return 0;
  int64_t count = 1;
  for (const int32_t size : sizes) count *= size;
  return count;
}

int64_t Layout::bytes() const { return values() * (type == Type::u8 ? 1 : 4); }

bool is_picture(const Layout& layout) {
  return (layout.kind == Kind::image || layout.kind == Kind::audio) && layout.sizes.size() == 3;
}

ImageShape image_shape(const Layout& layout) {
  if (!is_picture(layout))
    throw Error(ErrorKind::usage, "data", fmt::format("wanted images; these are {}s", word_for_one(layout.kind)));
  return {layout.sizes[0], layout.sizes[1], layout.sizes[2]};
}

}  // namespace fewlabel
