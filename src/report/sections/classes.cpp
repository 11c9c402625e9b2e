// The part of the report about which classes are told apart and which are not.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "report/charts.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

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
  const auto names = names_of(list_of(input.evaluation, "classes"));
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

Json table_view(const std::vector<ClassRow>& rows) {
  constexpr std::size_t kFolded = 24;
  const bool baseline = std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.baseline.has_value(); });
  const auto percent = [](double share) { return fmt::format("{:.1f}", 100 * share); };
  Json view = {{"baseline", baseline}, {"rows", Json::array()}};
  if (rows.size() > kFolded) view["folded"] = rows.size();
  for (const auto& [name, figures, alone] : rows) {
    Json& row = view["rows"].emplace_back(Json{{"name", name},
                                               {"examples", count_text(static_cast<double>(figures.support))},
                                               {"precision", percent(figures.precision)},
                                               {"recall", percent(figures.recall)},
                                               {"width", percent(std::clamp(figures.recall, 0.0, 1.0))},
                                               {"f1", percent(figures.f1)}});
    if (alone)
      row["alone"] = {{"recall", percent(*alone)}, {"more", fmt::format("{:+.1f}", 100 * (figures.recall - *alone))}};
    else if (baseline)
      row["alone"] = {{"recall", "–"}};
  }
  return view;
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

Json common_confusions(const std::vector<std::string>& names, const Confusion& confusion) {
  constexpr std::size_t kMost = 6;
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
  pairs.resize(std::min(pairs.size(), kMost));
  Json list = Json::array();
  for (const auto& [truth, said, count, share] : pairs)
    list.push_back({{"truth", names[truth]},
                    {"said", names[said]},
                    {"count", count_text(static_cast<double>(count))},
                    {"share", percent_text(share, 0)}});
  return list.empty() ? Json() : Json{{"pairs", list}};
}

Json matrix_view(std::vector<std::string> names, const Confusion& confusion) {
  for (std::size_t i = names.size(); i < confusion.size(); ++i) names.push_back(std::to_string(i));
  const std::vector<std::size_t> shown = most_confused(confusion);
  Json view = {{"svg", heat_map(names, confusion, shown)},
               {"arrangement", confusion.size() > 6 ? "wide" : "beside"},
               {"confused", common_confusions(names, confusion)}};
  if (shown.size() < confusion.size()) view["of"] = confusion.size(), view["shown"] = shown.size();
  return view;
}

}  // namespace

Json classes_view(const ReportInput& input) {
  const Confusion confusion = confusion_of(input.evaluation);
  const auto rows = class_rows(input, confusion);
  if (confusion.empty() && rows.empty()) return {};
  Json view = Json::object();
  if (!confusion.empty()) view["matrix"] = matrix_view(names_of(list_of(input.evaluation, "classes")), confusion);
  if (!rows.empty()) view["table"] = table_view(rows);
  return view;
}

}  // namespace fewlabel
