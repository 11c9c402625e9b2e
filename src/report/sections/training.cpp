// The part of the report that shows how the training went.
#include <algorithm>
#include <map>
#include <optional>

#include "report/charts.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

constexpr std::size_t kMostSeries = 5;
constexpr std::size_t kMostOther = 12;

struct Curves {
  std::map<std::string, std::vector<std::pair<double, double>>> left;  // by metric; taken out when drawn

  explicit Curves(const std::vector<MetricLine>& lines) {
    for (const auto& line : lines)
      for (const auto& [name, value] : line.values) left[name].emplace_back(static_cast<double>(line.step), value);
  }
  std::optional<Series> take(const std::string& metric, const std::string& name, int colour) {
    const auto at = left.find(metric);
    if (at == left.end()) return std::nullopt;
    Series series{name, colour, std::move(at->second)};
    left.erase(at);
    return series;
  }
};

std::string loss_name(const std::string& metric) {
  const std::string name = metric.substr(metric.find('/') + 1);
  if (name == "s") return "labelled";
  if (name == "u") return "unlabelled";
  return name == "loss" ? "total" : name;
}

LineChart losses(Curves& curves) {
  std::vector<std::string> found;
  for (const auto& [name, points] : curves.left)
    if (name.starts_with("loss/") && found.size() < kMostSeries) found.push_back(name);
  // What is minimised comes first, unless one of its terms is all of it.
  if (const auto total = curves.left.find("loss"); total != curves.left.end()) {
    const bool same = std::any_of(found.begin(), found.end(),
                                  [&](const std::string& name) { return curves.left.at(name) == total->second; });
    if (same)
      curves.left.erase(total);
    else
      found.insert(found.begin(), "loss");
    if (found.size() > kMostSeries) found.pop_back();
  }
  LineChart chart{.title = "Loss", .note = {}, .unit = Unit::plain, .from_zero = true, .series = {}};
  int colour = 0;
  for (const auto& name : found) {
    if (colour == 1) ++colour;  // the baseline's
    chart.series.push_back(*curves.take(name, loss_name(name), colour++));
  }
  return chart;
}

/// One curve under the first of `metrics` that was measured.
LineChart single(Curves& curves, const std::vector<std::string>& metrics, LineChart chart) {
  for (const auto& metric : metrics)
    if (auto series = curves.take(metric, chart.title, 0); series && chart.series.empty())
      chart.series.push_back(std::move(*series));
  return chart;
}

std::vector<LineChart> main_charts(Curves& curves) {
  std::vector<LineChart> charts;
  charts.push_back(single(curves, {"test/accuracy"},
                          {.title = "Accuracy on the test set",
                           .note = "Watched only: nothing was chosen by it.",
                           .unit = Unit::percent,
                           .series = {}}));
  charts.push_back(single(curves, {"knn/accuracy"},
                          {.title = "Nearest neighbours on frozen features",
                           .note = "Of a part of the examples; watched only: nothing was chosen by it.",
                           .unit = Unit::percent,
                           .series = {}}));
  charts.push_back(losses(curves));
  charts.push_back(single(curves, {"embedding/spread"},
                          {.title = "Spread of the embeddings",
                           .note = "1 is even on the sphere; near 0 they are all alike and nothing is learnt.",
                           .from_zero = true,
                           .series = {}}));
  charts.push_back(single(
      curves, {"embedding/rank"},
      {.title = "Rank of the embeddings", .note = "How many directions they use.", .from_zero = true, .series = {}}));
  charts.push_back(single(curves, {"pseudo_labels/kept"},
                          {.title = "Pseudo-labels kept",
                           .note = "Share of the unlabelled examples sure enough to learn from.",
                           .unit = Unit::percent,
                           .from_zero = true,
                           .series = {}}));
  charts.push_back(
      single(curves, {"pseudo_labels/accuracy"},
             {.title = "Pseudo-labels that are right",
              .note = "Of those kept; known only because the hidden labels of this data exist. They taught nothing.",
              .unit = Unit::percent,
              .series = {}}));
  charts.push_back(single(curves, {"lr"}, {.title = "Learning rate", .note = {}, .from_zero = true, .series = {}}));
  charts.push_back(single(curves, {"examples_per_second", "images_per_second"},
                          {.title = "Examples a second", .note = {}, .from_zero = true, .series = {}}));
  return charts;
}

}  // namespace

Json training_view(const ReportInput& input) {
  Curves curves(input.metrics);
  Json main = Json::array(), other = Json::array();
  for (const LineChart& chart : main_charts(curves))
    if (!chart.series.empty()) main.push_back(line_chart(chart));
  for (const auto& [name, points] : curves.left)
    if (other.size() < kMostOther) other.push_back(line_chart({name, {}, Unit::plain, false, {{name, 3, points}}}));
  if (main.empty() && other.empty()) return {};
  Json view = Json::object();
  if (!main.empty()) view["main"] = {{"charts", main}};
  if (!other.empty()) view["other"] = {{"charts", other}, {"open", main.empty()}};
  return view;
}

}  // namespace fewlabel
