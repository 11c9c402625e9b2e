// The part of the report about which classes are told apart and which are not.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "report/charts.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

std::vector<std::string> class_names(const ReportInput& input) {
  std::vector<std::string> names;
  for (const auto& name : list_of(input.evaluation, "classes"))
    names.push_back(name.is_string() ? name.get<std::string>() : std::to_string(names.size()));
  return names;
}

// Empty unless it is square, of a size that can be shown, and made of counts.
Confusion confusion_of(const Json& json) {
  const Json& rows = list_of(json, "confusion");
  Confusion confusion;
  if (rows.size() > 1000) return {};
  for (const auto& row : rows) {
    if (!row.is_array() || row.size() != rows.size()) return {};
    auto& counts = confusion.emplace_back();
    for (const auto& count : row) {
      if (!count.is_number_integer() || count.get<int64_t>() < 0) return {};
      counts.push_back(count.get<int64_t>());
    }
  }
  return confusion;
}

struct ClassRow {
  std::string name;
  ClassFigures figures;
  std::optional<double> baseline;  // recall of the supervised net
};

std::vector<ClassRow> class_rows(const ReportInput& input, const Confusion& confusion) {
  std::vector<ClassRow> rows;
  const auto names = class_names(input);
  for (const auto& item : list_of(input.evaluation, "per_class"))
    rows.push_back({text_of(item, "name"),
                    {number_of(item, "precision").value_or(0), number_of(item, "recall").value_or(0),
                     number_of(item, "f1").value_or(0), static_cast<int64_t>(number_of(item, "support").value_or(0))},
                    std::nullopt});
  if (rows.empty())
    for (const auto& figures : class_figures(confusion))
      rows.push_back({rows.size() < names.size() ? names[rows.size()] : std::to_string(rows.size()), figures, {}});
  const Json& baseline = object_of(input.evaluation, "supervised");
  const Json& listed = list_of(baseline, "per_class");
  const auto counted = class_figures(confusion_of(baseline));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i < listed.size())
      rows[i].baseline = number_of(listed[i], "recall");
    else if (i < counted.size())
      rows[i].baseline = counted[i].recall;
  }
  return rows;
}

std::string class_table(const std::vector<ClassRow>& rows) {
  const bool baseline = std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.baseline.has_value(); });
  std::string html = fmt::format(
      "<div class=\"scroll\"><table class=\"sortable\"><thead><tr><th scope=\"col\">Class</th><th "
      "scope=\"col\">Examples"
      "</th><th scope=\"col\">Precision</th><th scope=\"col\">Recall</th>{}<th "
      "scope=\"col\">F1</th></tr></thead><tbody>",
      baseline ? "<th scope=\"col\">Supervised recall</th>" : "");
  for (const auto& row : rows) {
    const auto& f = row.figures;
    html += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{:.1f}</td><td class=\"meter\"><span><i "
        "style=\"width:{:.1f}%\"></i>"
        "</span>{:.1f}</td>",
        escape_html(row.name), count_text(static_cast<double>(f.support)), 100 * f.precision,
        std::clamp(100 * f.recall, 0.0, 100.0), 100 * f.recall);
    if (baseline)
      html += row.baseline ? fmt::format("<td>{:.1f} <small>{:+.1f}</small></td>", 100 * *row.baseline,
                                         100 * (f.recall - *row.baseline))
                           : "<td>–</td>";
    html += fmt::format("<td>{:.1f}</td></tr>", 100 * f.f1);
  }
  html += "</tbody></table></div><p class=\"note\">In per cent.";
  if (baseline) html += " The small figure is what the unlabelled examples added to the recall.";
  return html + "</p>";
}

/// Those that are drawn, in label order: all, or the ones with the most errors.
std::vector<std::size_t> most_confused(const Confusion& confusion) {
  constexpr std::size_t kMost = 40;
  std::vector<int64_t> errors(confusion.size());
  for (std::size_t r = 0; r < confusion.size(); ++r)
    for (std::size_t c = 0; c < confusion.size(); ++c)
      if (r != c) errors[r] += confusion[r][c], errors[c] += confusion[r][c];
  std::vector<std::size_t> order(confusion.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return errors[a] > errors[b]; });
  order.resize(std::min(order.size(), kMost));
  std::sort(order.begin(), order.end());
  return order;
}

std::string common_confusions(const std::vector<std::string>& names, const Confusion& confusion) {
  struct Pair {
    std::size_t truth, said;
    int64_t count;
    double share;
  };
  std::vector<Pair> pairs;
  for (std::size_t r = 0; r < confusion.size(); ++r) {
    int64_t total = 0;
    for (const int64_t count : confusion[r]) total += count;
    for (std::size_t c = 0; c < confusion.size(); ++c)
      if (r != c && confusion[r][c] > 0)
        pairs.push_back({r, c, confusion[r][c], static_cast<double>(confusion[r][c]) / static_cast<double>(total)});
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.count > b.count; });
  if (pairs.empty()) return {};
  std::string html = "<div><h3>Most often confused</h3><ol class=\"pairs\">";
  for (std::size_t i = 0; i < std::min<std::size_t>(pairs.size(), 6); ++i)
    html += fmt::format(
        "<li><span class=\"names\">{} <span class=\"arrow\" aria-label=\"called\">→</span> {}</span><span>{} <small>{} "
        "of the class"
        "</small></span></li>",
        escape_html(names[pairs[i].truth]), escape_html(names[pairs[i].said]),
        count_text(static_cast<double>(pairs[i].count)), percent_text(pairs[i].share, 0));
  return html + "</ol></div>";
}

}  // namespace

std::string classes_section(const ReportInput& input) {
  const Confusion confusion = confusion_of(input.evaluation);
  const auto rows = class_rows(input, confusion);
  std::vector<std::string> names = class_names(input);
  for (std::size_t i = names.size(); i < confusion.size(); ++i) names.push_back(std::to_string(i));
  std::string html;
  if (!confusion.empty()) {
    const std::vector<std::size_t> shown = most_confused(confusion);
    html += "<figure class=\"heat-figure\"><div class=\"scroll\">" + heat_map(names, confusion, shown) +
            "</div><p class=\"note\">"
            "A row holds the examples of one class, a column those called so. <i class=\"swatch hit\"></i> right, "
            "<i class=\"swatch miss\"></i> wrong; darker is a larger share of the row.";
    if (shown.size() < confusion.size())
      html += fmt::format(
          " Of the {} classes these are the {} with the most errors (examples of theirs called something else, and "
          "others called so). What they share with classes that are not shown is left out; the table below has all.",
          confusion.size(), shown.size());
    html += "</p></figure>" + common_confusions(names, confusion);
    html = fmt::format("<div class=\"{}\">{}</div>", confusion.size() > 6 ? "wide" : "beside", html);
  }
  if (!rows.empty()) {
    const std::string table = class_table(rows);
    html += rows.size() > 24
                ? fmt::format("<details><summary>Figures of all {} classes</summary>{}</details>", rows.size(), table)
                : "<h3>Class by class</h3>" + table;
  }
  return section("classes", "Where it is right and wrong", {}, html);
}

}  // namespace fewlabel
