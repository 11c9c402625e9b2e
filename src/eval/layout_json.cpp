#include "eval/layout_json.h"

#include <fmt/format.h>

#include "fewlabel/error.h"
#include "fewlabel/image.h"

namespace fewlabel {

Json layout_json(const Layout& layout) {
  Json json = {{"kind", to_string(layout.kind)}};
  if (layout.kind == Kind::image) {
    const ImageShape shape = image_shape(layout);
    json["height"] = shape.height;
    json["width"] = shape.width;
    json["channels"] = shape.channels;
  } else {
    json[layout.kind == Kind::text ? "tokens" : "columns"] = layout.sizes.at(0);
    if (layout.kind == Kind::text) json["vocabulary"] = layout.vocabulary;
  }
  return json;
}

Layout layout_from(const Json& json) {
  const std::string kind = json.value("kind", "image");
  if (kind == "text")
    return {Kind::text, Layout::Type::i32, {json.at("tokens").get<int32_t>()}, json.at("vocabulary").get<int32_t>()};
  if (kind == "table") return {Kind::table, Layout::Type::f32, {json.at("columns").get<int32_t>()}, 0};
  if (kind != "image")
    throw Error(ErrorKind::usage, "model",
                fmt::format("reads examples of the kind '{}', which is not known here", kind),
                "use the version of fewlabel that wrote it");
  return ImageShape{json.at("height"), json.at("width"), json.at("channels")};
}

std::string described(const Layout& layout) {
  if (layout.kind == Kind::image) return fmt::format("{}", fmt::join(layout.sizes, " × "));
  return fmt::format("{} {}", layout.sizes.at(0), layout.kind == Kind::text ? "tokens" : "columns");
}

}  // namespace fewlabel
