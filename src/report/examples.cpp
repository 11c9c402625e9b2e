// The parts of the report that show single examples: those it was taught, and its worst mistakes.
#include <fmt/format.h>

#include <algorithm>

#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {

std::string labels_section(const ReportInput& input) {
  constexpr std::size_t kMost = 1000;
  std::vector<std::pair<std::string, std::string>> rows;  // class, pictures
  std::size_t shown = 0;
  for (const auto& example : list_of(input.evaluation, "label_examples")) {
    const std::string name = text_of(example, "class");
    const std::string image = picture(example, name);
    if (image.empty() || shown++ >= kMost) continue;
    auto at = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.first == name; });
    if (at == rows.end()) at = rows.insert(rows.end(), {name, ""});
    at->second += image;
  }
  std::string html;
  for (const auto& [name, images] : rows)
    html += fmt::format("<div class=\"strip\"><b>{}</b><div>{}</div></div>", escape_html(name), images);
  if (html.empty()) return {};
  html = "<div class=\"strips\">" + html + "</div>";
  if (rows.size() > 24)
    html = fmt::format("<details><summary>Show the {} classes</summary>{}</details>", rows.size(), html);
  const auto labels = number_of(input.summary, "labels");
  const bool all = labels && static_cast<std::size_t>(*labels) <= shown;
  return section("labels", "What it was told",
                 all ? "These are all the labelled examples there were; everything else it had to work out."
                     : "Some of the labelled examples; everything else it had to work out.",
                 html);
}

std::string mistakes_section(const ReportInput& input) {
  constexpr std::size_t kMost = 60;
  std::string html;
  std::size_t shown = 0;
  for (const auto& item : list_of(input.evaluation, "mistakes")) {
    if (shown++ == kMost) break;
    const std::string truth = text_of(item, "true"), said = text_of(item, "predicted"), name = text_of(item, "name");
    const auto probability = number_of(item, "probability");
    const std::string image = picture(item, truth + " taken for " + said);
    html += fmt::format(
        "<figure class=\"card\" title=\"{}\">{}<figcaption><span>{}</span><b>{}</b>{}</figcaption></figure>",
        escape_html(name), image.empty() ? "<div class=\"blank\">" + escape_html(name) + "</div>" : image,
        escape_html(truth), escape_html(said),
        probability ? "<small>" + percent_text(*probability, *probability > 0.995 ? 1 : 0) + " sure</small>" : "");
  }
  return section(
      "mistakes", "Its worst mistakes",
      "The test examples it was most sure about and got wrong: the true class, and <b class=\"wrong\">what it "
      "said</b>. Some may be errors of the labels.",
      html.empty() ? "" : "<div class=\"cards\">" + html + "</div>");
}

}  // namespace fewlabel
