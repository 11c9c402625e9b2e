#include "report/sections.h"

#include <fmt/format.h>

#include <array>

#include "report/markup.h"

namespace fewlabel {

std::string picture(const Json& json, const std::string& description) {
  const std::string data = text_of(json, "png_base64");
  const auto width = png_width(data);
  if (!width) return {};
  return fmt::format("<img{} alt=\"{}\" src=\"data:image/png;base64,{}\">", *width < 100 ? " class=\"px\"" : "",
                     escape_html(description), data);
}

std::string method_title(const Json& summary) {
  if (const std::string title = text_of(summary, "method_title"); !title.empty()) return title;
  const std::string name = text_of(summary, "method");
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTitles = {
      {{"supervised", "Supervised training"},
       {"pseudo_label", "Pseudo-labelling"},
       {"fixmatch", "FixMatch"},
       {"flexmatch", "FlexMatch"},
       {"freematch", "FreeMatch"}}};
  for (const auto& [known, title] : kTitles)
    if (known == name) return std::string(title);
  return name.empty() ? "The model" : name;
}

std::string section(const std::string& id, const std::string& title, const std::string& intro,
                    const std::string& content) {
  if (content.empty()) return {};
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-title\"><h2 id=\"{0}-title\">{1}</h2>{2}{3}</section>\n", id, title,
      intro.empty() ? "" : "<p class=\"intro\">" + intro + "</p>", content);
}

}  // namespace fewlabel
