#include "fewlabel/layout.h"

#include <fmt/format.h>

#include "fewlabel/error.h"
#include "fewlabel/image.h"

namespace fewlabel {

std::string_view to_string(Kind kind) { return kind == Kind::image ? "image" : kind == Kind::text ? "text" : "table"; }

std::string_view word_for_one(Kind kind) { return kind == Kind::table ? "row" : to_string(kind); }

int64_t Layout::values() const {
  if (sizes.empty()) return 0;
  int64_t count = 1;
  for (const int32_t size : sizes) count *= size;
  return count;
}

int64_t Layout::bytes() const { return values() * (type == Type::u8 ? 1 : 4); }

ImageShape image_shape(const Layout& layout) {
  if (layout.kind != Kind::image || layout.sizes.size() != 3)
    throw Error(ErrorKind::usage, "data", fmt::format("wanted images; these are {}s", word_for_one(layout.kind)));
  return {layout.sizes[0], layout.sizes[1], layout.sizes[2]};
}

}  // namespace fewlabel
