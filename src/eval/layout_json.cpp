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
  } else if (layout.kind == Kind::audio) {
    const bool bands = is_picture(layout);
    if (bands) json["mels"] = layout.sizes[0];
    json[bands ? "frames" : "samples"] = layout.sizes[bands ? 1 : 0];
    json["rate"] = layout.rate;
    json["longest"] = layout.longest;
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
  if (kind == "audio") {
    Layout layout{Kind::audio, Layout::Type::f32, {}};
    if (json.contains("mels"))
      layout.sizes = {json.at("mels").get<int32_t>(), json.at("frames").get<int32_t>(), 1};
    else
      layout.sizes = {json.at("samples").get<int32_t>()};
    layout.rate = json.at("rate").get<int32_t>();
    layout.longest = json.at("longest").get<int32_t>();
    return layout;
  }
  if (kind != "image")
    throw Error(ErrorKind::usage, "model",
                fmt::format("reads examples of the kind '{}', which is not known here", kind),
                "use the version of fewlabel that wrote it");
  return ImageShape{json.at("height"), json.at("width"), json.at("channels")};
}

std::string described(const Layout& layout) {
  if (layout.kind == Kind::image) return fmt::format("{}", fmt::join(layout.sizes, " × "));
  if (layout.kind == Kind::audio)
    return is_picture(layout) ? fmt::format("{} mels × {} frames", layout.sizes[0], layout.sizes[1])
                              : fmt::format("{} samples", layout.sizes[0]);
  return fmt::format("{} {}", layout.sizes.at(0), layout.kind == Kind::text ? "tokens" : "columns");
}

}  // namespace fewlabel
