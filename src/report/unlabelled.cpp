// The part of the report that shows what was made of the examples without a label, for whoever must judge by eye.
#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

constexpr std::size_t kMostPictures = 1000;  // of a stranger's file

std::string sure_share(const Json& item) {
  const auto probability = number_of(item, "probability");
  return probability ? percent_text(*probability, *probability > 0.995 ? 1 : 0) : "";
}

std::string sure_text(const Json& item) {
  const std::string share = sure_share(item);
  return share.empty() ? share : share + " sure";
}

std::string shares_table(const Json& classes) {
  double labels = 0, calls = 0, most = 0;
  for (const auto& item : classes) {
    labels += std::max(0.0, number_of(item, "labels").value_or(0));
    calls += std::max(0.0, number_of(item, "called").value_or(0));
  }
  if (calls <= 0) return {};
  const auto share = [](double part, double whole) { return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 0.0; };
  for (const auto& item : classes)
    most = std::max({most, share(number_of(item, "labels").value_or(0), labels),
                     share(number_of(item, "called").value_or(0), calls)});
  std::string rows;
  for (const auto& item : classes) {
    const auto cell = [&](const char* key, double whole) {
      const double count = std::max(0.0, number_of(item, key).value_or(0));
      return fmt::format("<td class=\"meter\"><span><i style=\"width:{:.1f}%\"></i></span>{} <small>{}</small></td>",
                         100 * share(share(count, whole), most), count_text(count),
                         percent_text(share(count, whole), 0));
    };
    rows += "<tr><th scope=\"row\">" + escape_html(text_of(item, "name")) + "</th>" + cell("labels", labels) +
            cell("called", calls) + "</tr>";
  }
  std::string html =
      "<div class=\"scroll\"><table class=\"sortable\"><thead><tr><th scope=\"col\">Class</th><th scope=\"col\">Labels"
      "</th><th scope=\"col\">Called so, without a label</th></tr></thead><tbody>" +
      rows + "</tbody></table></div>";
  if (classes.size() > 24)
    html = fmt::format("<details><summary>Counts of all {} classes</summary>{}</details>", classes.size(), html);
  return html;
}

std::string strip(const Json& list, const std::string& title, std::size_t& shown) {
  std::string images;
  for (const auto& item : list) {
    if (shown >= kMostPictures) break;
    const std::string name = text_of(item, "name"), image = picture(item, name);
    if (image.empty()) continue;
    ++shown;
    images += fmt::format("<span title=\"{}, {}\">{}</span>", escape_html(name), sure_text(item), image);
  }
  if (images.empty()) return {};
  const std::string first = sure_share(list.front()), last = sure_share(list.back());
  return fmt::format("<div class=\"end\"><small>{}, {}</small><div>{}</div></div>", title,
                     first == last ? first : first + " to " + last, images);
}

std::string galleries(const Json& classes) {
  std::string html;
  std::size_t shown = 0, with = 0;
  for (const auto& item : classes) {
    const std::string surest = strip(list_of(item, "surest"), "surest", shown);
    if (surest.empty()) continue;
    ++with;
    html += "<div class=\"of-class\"><h4>" + escape_html(text_of(item, "name")) + "</h4>" + surest +
            strip(list_of(item, "least_sure"), "least sure", shown) + "</div>";
  }
  if (html.empty()) return {};
  std::string note = "Called so: the surest should all be right; among the least sure are the examples worth a label.";
  if (with < classes.size() && classes.size() > 40)
    note += fmt::format(" Pictures of the {} classes that were called most often.", with);
  html = "<div class=\"of-classes\">" + html + "</div>";
  if (with > 12) html = fmt::format("<details><summary>Show the {} classes</summary>{}</details>", with, html);
  return "<h3>The surest and the least sure</h3><p class=\"note\">" + note + "</p>" + html;
}

std::string suspects(const Json& list) {
  std::string cards;
  std::size_t shown = 0;
  for (const auto& item : list) {
    if (shown++ == 60) break;
    const std::string name = text_of(item, "name"), label = text_of(item, "label"), said = text_of(item, "predicted");
    const std::string image = picture(item, label + " taken for " + said);
    cards += fmt::format(
        "<figure class=\"card\" title=\"{0}\">{1}<figcaption><span>{2}</span><b>{3}</b><small>{4}</small>"
        "</figcaption></figure>",
        escape_html(name), image.empty() ? "<div class=\"blank\">" + escape_html(name) + "</div>" : image,
        escape_html(label), escape_html(said), sure_text(item));
  }
  return cards.empty() ? ""
                       : "<h3>Labels to look at</h3><p class=\"note\">It was taught the class above, and is sure of "
                         "<b class=\"wrong\">another</b> all the same. The label may be wrong.</p><div "
                         "class=\"cards\">" +
                             cards + "</div>";
}

std::string pairs(const Json& list, const std::string& title, const std::string& note) {
  std::string cards;
  std::size_t shown = 0;
  for (const auto& item : list) {
    if (shown++ == 60) break;
    const Json &first = object_of(item, "first"), &second = object_of(item, "second");
    const auto half = [](const Json& one) {
      const std::string name = text_of(one, "name"), label = text_of(one, "class");
      return fmt::format("<figure title=\"{}\">{}<figcaption>{}</figcaption></figure>", escape_html(name),
                         picture(one, name),
                         label.empty() ? "<span>no label</span>" : "<b>" + escape_html(label) + "</b>");
    };
    cards += "<div class=\"two\">" + half(first) + half(second) + "</div>";
  }
  return cards.empty()
             ? ""
             : "<h3>" + title + "</h3><p class=\"note\">" + note + "</p><div class=\"twos\">" + cards + "</div>";
}

}  // namespace

std::string unlabelled_section(const ReportInput& input) {
  const Json& found = object_of(input.evaluation, "unlabelled");
  const Json& classes = list_of(found, "classes");
  std::string html = shares_table(classes) + galleries(classes) + suspects(list_of(found, "suspicious"));
  html += pairs(list_of(found, "two_labels"), "One picture, two labels",
                "These look alike and have different labels. One of them is likely wrong.");
  const auto all = number_of(found, "pairs"), compared = number_of(found, "compared");
  html += pairs(
      list_of(found, "near_duplicates"), "Near-duplicates",
      fmt::format("{}Copies teach nothing new, and a test set that holds copies of what was learnt flatters.",
                  all && compared ? fmt::format("{} of pictures that hardly differ, among {} that were compared{}. ",
                                                *all == 1 ? "One pair" : count_text(*all) + " pairs",
                                                count_text(*compared), *all == 1 ? "" : "; the most alike")
                                  : ""));
  if (html.empty()) return {};
  const auto examples = number_of(found, "examples"), of = number_of(found, "of");
  std::string intro;
  if (examples && of)
    intro = *examples < *of ? fmt::format("It was asked about {} of the {} examples without a label, evenly spaced.",
                                          count_text(*examples), count_text(*of))
                            : fmt::format("It was asked about all {} examples without a label.", count_text(*of));
  if (!number_of(input.summary, "accuracy")) intro += " Nobody knows what they are, so look for yourself.";
  return section("unlabelled", "What it made of the rest", intro, html);
}

}  // namespace fewlabel
