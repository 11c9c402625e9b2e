// The part of the report that shows how the training went.
#include <algorithm>
#include <map>
#include <optional>

#include "report/charts.h"
#include "report/markup.h"
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

std::string draw(const LineChart& chart) { return chart.series.empty() ? "" : line_chart(chart); }

LineChart single(Curves& curves, const std::string& metric, const std::string& title, Unit unit, bool from_zero) {
  LineChart chart{.title = title, .note = {}, .unit = unit, .from_zero = from_zero, .series = {}};
  if (auto series = curves.take(metric, title, 0)) chart.series.push_back(std::move(*series));
  return chart;
}

}  // namespace

std::string curves_section(const ReportInput& input) {
  Curves curves(input.metrics);
  LineChart accuracy = single(curves, "test/accuracy", "Accuracy on the test set", Unit::percent, false);
  accuracy.note = "Watched only: nothing was chosen by it.";
  std::string html = draw(accuracy);
  LineChart neighbours = single(curves, "knn/accuracy", "Nearest neighbours on frozen features", Unit::percent, false);
  neighbours.note = "Of a part of the examples; watched only: nothing was chosen by it.";
  html += draw(neighbours);
  html += draw(losses(curves));
  LineChart spread = single(curves, "embedding/spread", "Spread of the embeddings", Unit::plain, true);
  spread.note = "1 is even on the sphere; near 0 they are all alike and nothing is learnt.";
  html += draw(spread);
  LineChart rank = single(curves, "embedding/rank", "Rank of the embeddings", Unit::plain, true);
  rank.note = "How many directions they use.";
  html += draw(rank);
  LineChart kept = single(curves, "pseudo_labels/kept", "Pseudo-labels kept", Unit::percent, true);
  kept.note = "Share of the unlabelled examples sure enough to learn from.";
  html += draw(kept);
  LineChart quality = single(curves, "pseudo_labels/accuracy", "Pseudo-labels that are right", Unit::percent, false);
  quality.note = "Of those kept; known only because the hidden labels of this data exist. They taught nothing.";
  html += draw(quality);
  html += draw(single(curves, "lr", "Learning rate", Unit::plain, true));
  html += draw(single(curves, "images_per_second", "Images a second", Unit::plain, true));

  std::string other;
  std::size_t drawn = 0;
  for (const auto& [name, points] : curves.left)
    if (drawn++ < kMostOther) other += line_chart({name, {}, Unit::plain, false, {{name, 3, points}}});
  if (!html.empty()) html = "<div class=\"charts\">" + html + "</div>";
  if (!other.empty())
    html += "<details" + std::string(html.empty() ? " open" : "") +
            "><summary>More that was measured</summary><div class=\"charts\">" + other + "</div></details>";
  return section("training", "How it learnt", {}, html);
}

}  // namespace fewlabel
