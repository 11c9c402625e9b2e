#include "report/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/json_text.h"
#include "core/text.h"
#include "report/markup.h"

namespace fewlabel {
namespace {

std::string value_text(double value, Unit unit) {
  if (unit == Unit::percent) return percent_text(value);
  return std::abs(value) >= 1000 ? count_text(value) : fmt::format("{:.3g}", value);
}

struct Axis {
  double low = 0, high = 1;  // of the data
  double from = 0, to = 1;   // on the page
  std::vector<double> ticks;
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

// Round numbers (1, 2 or 5 times a power of ten) that cover [low, high] with about `count` steps. Ends that differ by
// hardly more than rounding are one: no step would lie between them.
Axis make_axis(double low, double high, int count, bool round_ends) {
  const double size = std::max(std::abs(low), std::abs(high));
  if (!(high - low > std::max(1e-12 * size, 1e-300))) {
    const double pad = size > 1e-290 ? 0.1 * size : 1;
    low -= pad, high += pad;
  }
  const double raw = (high - low) / count, power = std::pow(10, std::floor(std::log10(raw)));
  const double step = (raw / power <= 1 ? 1 : raw / power <= 2 ? 2 : raw / power <= 5 ? 5 : 10) * power;
  Axis axis;
  axis.low = round_ends ? std::floor(low / step + 1e-9) * step : low;
  if (round_ends && low < 0 && low > -0.35 * step) axis.low = 1.3 * low;  // hardly below zero: no whole step for it
  axis.high = round_ends ? std::ceil(high / step - 1e-9) * step : high;
  const double first = std::ceil(axis.low / step - 1e-9);
  for (int i = 0; i <= count + 2 && (first + i) * step <= axis.high + step * 1e-6; ++i)
    axis.ticks.push_back(first + i == 0 ? 0.0 : (first + i) * step);
  return axis;
}

using Points = std::vector<std::pair<double, double>>;

// At most `most` points: means over stretches of equal length.
Points thinned(const Points& points, std::size_t most) {
  if (points.size() <= most) return points;
  Points result;
  for (std::size_t bucket = 0; bucket < most; ++bucket) {
    const std::size_t first = bucket * points.size() / most, last = (bucket + 1) * points.size() / most;
    double x = 0, y = 0;
    for (std::size_t i = first; i < last; ++i) x += points[i].first, y += points[i].second;
    const auto n = static_cast<double>(last - first);
    result.emplace_back(x / n, y / n);
  }
  return result;
}

Points running_mean(const Points& points) {
  const std::size_t reach = points.size() / 50 + 1;
  Points result;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t first = i - std::min(i, reach), last = std::min(i + reach, points.size() - 1);
    double sum = 0;
    for (std::size_t j = first; j <= last; ++j) sum += points[j].second;
    result.emplace_back(points[i].first, sum / static_cast<double>(last - first + 1));
  }
  return result;
}

std::string path_of(const Points& points, const Axis& x, const Axis& y) {
  std::string path;
  for (const auto& [step, value] : points)
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x.at(step),
                        std::clamp(y.at(value), std::min(y.from, y.to), std::max(y.from, y.to)));
  return path;
}

/// A name of at most 16 characters, never cut inside one.
std::string brief(const std::string& name) {
  if (columns(name) <= 16) return name;
  std::size_t cut = 0;
  for (std::size_t seen = 0; cut < name.size() && seen < 15; ++seen)
    cut += std::max<std::size_t>(utf8_length(std::string_view(name).substr(cut)), 1);
  return name.substr(0, cut) + "…";
}

constexpr std::size_t kNoisy = 60;

// The range of the curves; a few values far above the rest (a first spike) may run out of the frame.
std::pair<double, double> range_of(const LineChart& chart) {
  std::vector<double> values;
  for (const auto& series : chart.series)
    for (const auto& point : series.points) values.push_back(point.second);
  std::sort(values.begin(), values.end());
  const double most = values[values.size() - 1 - values.size() / 50];
  return {values.front(), values.back() > 3 * most && most > 0 ? most : values.back()};
}

std::string hover_data(const LineChart& chart, const Axis& x) {
  std::map<double, std::vector<std::string>> at;
  for (const auto& series : chart.series)
    for (const auto& [step, value] : thinned(series.points, 200))
      at[step].push_back((chart.series.size() > 1 ? series.name + " " : "") + value_text(value, chart.unit));
  Json data = Json::array();
  for (const auto& [step, texts] : at) {
    std::string text;
    for (const auto& part : texts) text += (text.empty() ? "" : "\n") + part;
    data.push_back({std::round(x.at(step) * 10) / 10, "step " + count_text(step), text});
  }
  return escape_html(json_text(data));
}

}  // namespace

Json line_chart(const LineChart& chart) {
  constexpr double kWidth = 460, kHeight = 220, kLeft = 46, kRight = 12, kTop = 10, kBottom = 26;
  double first = INFINITY, last = -INFINITY;
  for (const auto& series : chart.series)
    for (const auto& [step, value] : series.points) first = std::min(first, step), last = std::max(last, step);
  auto [low, high] = range_of(chart);
  if (chart.from_zero) low = std::min(low, 0.0);
  Axis x = make_axis(first, last, 5, false), y = make_axis(low, high, 4, true);
  if (chart.unit == Unit::percent && high <= 1 && y.high > 1) y.high = 1;
  if (chart.unit == Unit::percent && low >= 0 && y.low < 0) y.low = 0;
  x.from = kLeft, x.to = kWidth - kRight;
  y.from = kHeight - kBottom, y.to = kTop;

  std::string svg;
  Json legend = Json::array();
  for (const double tick : y.ticks) {
    if (tick > y.high || tick < y.low) continue;
    const std::string label =
        chart.unit == Unit::percent ? fmt::format("{:.3g}\u202f%", 100 * tick) : short_number(tick);
    svg += fmt::format(R"(<line class="grid" x1="{:.0f}" x2="{:.0f}" y1="{:.1f}" y2="{:.1f}"/>)", x.from, x.to,
                       y.at(tick), y.at(tick));
    svg += fmt::format(R"(<text class="tick end" x="{:.0f}" y="{:.1f}">{}</text>)", kLeft - 7, y.at(tick) + 3.5, label);
  }
  for (const double tick : x.ticks)
    if (first < last || tick == first)
      svg += fmt::format(R"(<text class="tick mid" x="{:.1f}" y="{:.0f}">{}</text>)",
                         std::clamp(x.at(tick), kLeft + 4, kWidth - kRight - 10), kHeight - 8, short_number(tick));
  std::string summary;
  for (const auto& series : chart.series) {
    const Points points = thinned(series.points, 400);
    const bool noisy = points.size() > kNoisy;
    if (noisy) svg += fmt::format(R"(<path class="raw c{}" d="{}"/>)", series.colour, path_of(points, x, y));
    const Points drawn = noisy ? running_mean(points) : points;
    svg += fmt::format(R"(<path class="curve c{}" d="{}"/>)", series.colour, path_of(drawn, x, y));
    const auto& [end_step, end_value] = drawn.back();
    svg += fmt::format(R"(<circle class="dot c{}" cx="{:.1f}" cy="{:.1f}" r="3"/>)", series.colour, x.at(end_step),
                       std::clamp(y.at(end_value), kTop, kHeight - kBottom));
    const std::string now = value_text(end_value, chart.unit);
    legend.push_back({{"colour", series.colour}, {"name", chart.series.size() > 1 ? series.name : ""}, {"now", now}});
    summary += fmt::format("{}{} ends at {}", summary.empty() ? "" : "; ", series.name, now);
  }
  svg = fmt::format(R"(<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{} by step: {}" data-hover="{}">{})"
                    R"(<line class="cursor" y1="{:.0f}" y2="{:.0f}" x1="-9" x2="-9"/></svg>)",
                    kWidth, kHeight, escape_html(chart.title), escape_html(summary), hover_data(chart, x), svg, kTop,
                    kHeight - kBottom);
  return {{"title", chart.title}, {"note", chart.note}, {"legend", legend}, {"svg", svg}};
}

std::string whisker_chart(const std::vector<Whisker>& rows) {
  constexpr double kWidth = 520, kRow = 46, kLeft = 14, kRight = 14;
  double low = 1, high = 0;
  for (const auto& row : rows) {
    low = std::min({low, row.value, row.interval ? row.interval->low : row.value});
    high = std::max({high, row.value, row.interval ? row.interval->high : row.value});
  }
  const double pad = std::max(0.15 * (high - low), 0.01);
  Axis x = make_axis(std::max(0.0, low - pad), std::min(1.0, high + pad), 5, true);
  x.low = std::max(0.0, x.low), x.high = std::min(1.0, x.high);
  x.from = kLeft, x.to = kWidth - kRight;
  const double height = kRow * static_cast<double>(rows.size()) + 26;
  std::string svg, summary;
  for (const double tick : x.ticks) {
    if (tick < x.low - 1e-9 || tick > x.high + 1e-9) continue;
    svg +=
        fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="4" y2="{1:.0f}"/>)", x.at(tick), height - 22);
    svg += fmt::format(R"(<text class="tick mid" x="{:.1f}" y="{:.0f}">{:.3g}{}</text>)", x.at(tick), height - 6,
                       100 * tick, tick == x.ticks.back() || tick == x.ticks.front() ? "\u202f%" : "");
  }
  double y = 34;
  for (const auto& row : rows) {
    const double at = x.at(row.value);
    const std::string range =
        row.interval ? fmt::format("{:.1f}–{:.1f}", 100 * row.interval->low, 100 * row.interval->high) : "";
    std::string text = fmt::format("{}: {}{}", row.name, percent_text(row.value),
                                   range.empty() ? "" : ", 95\u202f% interval " + range);
    // The label stands above its mark, on the side where there is room.
    const bool right = at > kWidth / 2;
    svg += fmt::format(R"(<g><title>{}</title>)", escape_html(text));
    if (row.interval) {
      const double a = x.at(row.interval->low), b = x.at(row.interval->high);
      svg += fmt::format(
          R"(<path class="whisker c{0}" d="M{1:.1f} {3:.0f}H{2:.1f}M{1:.1f} {4:.0f}v10M{2:.1f} {4:.0f}v10"/>)",
          row.colour, a, b, y, y - 5);
    }
    svg += fmt::format(R"(<circle class="big c{}" cx="{:.1f}" cy="{:.0f}" r="6.5"/>)", row.colour, at, y);
    svg +=
        fmt::format(R"(<text class="label {}" x="{:.1f}" y="{:.0f}">{} <tspan class="strong">{}</tspan></text></g>)",
                    right ? "end" : "", at + (right ? 7 : -7), y - 13, escape_html(row.name), percent_text(row.value));
    summary += (summary.empty() ? "" : "; ") + text;
    y += kRow;
  }
  return fmt::format(
      R"(<svg class="whiskers" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="Accuracy. {}">{}</svg>)", kWidth,
      height, escape_html(summary), svg);
}

std::string heat_map(const std::vector<std::string>& names, const Confusion& confusion,
                     const std::vector<std::size_t>& shown) {
  constexpr double kFaintest = 0.04, kDarkest = 0.55;  // of the shades: numbers stay readable on them
  const std::size_t n = shown.size();
  const bool counted = n <= 16;
  const double cell = counted ? 46 : 20;
  std::size_t longest = 0;
  for (const std::size_t c : shown) longest = std::max(longest, std::min<std::size_t>(columns(names[c]), 16));
  const double margin = 12 + 7.3 * static_cast<double>(longest);
  const double top = margin * 0.78, side = cell * static_cast<double>(n), right = margin * 0.55;
  std::string svg;
  std::map<std::pair<bool, int>, std::string> shades;  // many classes: one path a shade keeps the page small
  for (std::size_t r = 0; r < n; ++r) {
    const auto& row = confusion[shown[r]];
    const double total = static_cast<double>(std::accumulate(row.begin(), row.end(), int64_t{0}));
    const double y = top + cell * static_cast<double>(r);
    for (std::size_t c = 0; c < n; ++c) {
      const int64_t count = row[shown[c]];
      const double share = total > 0 ? static_cast<double>(count) / total : 0;
      const double x = margin + cell * static_cast<double>(c);
      const bool hit = r == c;
      const double strength = hit ? share : std::min(1.0, 1.6 * share);  // errors are rare: let them show
      if (!counted) {
        if (count > 0)
          shades[{hit, static_cast<int>(std::ceil(8 * std::sqrt(share)))}] +=
              fmt::format("M{0:.4g} {1:.4g}h{2:.4g}v{2:.4g}h-{2:.4g}z", x, y, cell);
        continue;
      }
      svg += fmt::format(
          R"(<g><title>{} called {}: {} ({} of the class)</title><rect class="{}" x="{:.0f}" y="{:.1f}" width="{}" height="{}" rx="3" fill-opacity="{:.3f}"/>)",
          escape_html(names[shown[r]]), escape_html(names[shown[c]]), count, percent_text(share), hit ? "hit" : "miss",
          x + 1, y + 1, cell - 2, cell - 2, count > 0 ? kFaintest + (kDarkest - kFaintest) * strength : 0.02);
      if (count > 0)
        svg += fmt::format(R"(<text class="cell" x="{:.1f}" y="{:.1f}">{}</text>)", x + cell / 2, y + cell / 2 + 4,
                           short_number(static_cast<double>(count)));
      svg += "</g>";
    }
    const double middle = cell * (static_cast<double>(r) + 0.5);
    const std::string name = escape_html(brief(names[shown[r]]));
    svg += fmt::format(R"(<text class="name end" x="{:.0f}" y="{:.1f}">{}</text>)", margin - 7, top + middle + 4, name);
    svg += fmt::format(R"svg(<text class="name" transform="translate({:.1f} {:.1f}) rotate(-45)">{}</text>)svg",
                       margin + middle + 2, top - 7, name);
  }
  for (const auto& [key, path] : shades)
    svg += fmt::format(R"(<path class="{}" fill-opacity="{:.2f}" d="{}"/>)", key.first ? "hit" : "miss",
                       0.08 + 0.92 * key.second / 8.0, path);
  if (!counted)
    svg += fmt::format(R"(<rect class="frame" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)", margin, top,
                       side, side);
  const double width = margin + side + right, height = top + side + 6;
  return fmt::format(
      R"(<svg class="heat" style="max-width:{:.0f}px;min-width:{:.0f}px" viewBox="0 0 {:.0f} {:.0f}" role="img" )"
      R"(aria-label="Confusion matrix of {} classes: rows are true classes, columns what the model said">{}</svg>)",
      width, std::min(width, 520.0), width, height, n, svg);
}

Json scatter_map(const std::vector<std::string>& names, const Json& points) {
  constexpr std::size_t kMostPoints = 5000, kMostClasses = 1000, kShown = 40;
  std::map<std::size_t, std::string> dots;  // one path a class: a line of no length with a round end is a dot
  std::map<std::size_t, std::size_t> count;
  std::size_t read = 0, drawn = 0;
  if (points.is_array())
    for (const auto& point : points) {
      if (!point.is_array() || point.size() != 3 || read++ >= kMostPoints) continue;
      if (!std::all_of(point.begin(), point.end(), [](const Json& value) { return value.is_number_integer(); }))
        continue;
      const auto x = point[0].get<int64_t>(), y = point[1].get<int64_t>(), c = point[2].get<int64_t>();
      if (x < 0 || x > 1000 || y < 0 || y > 1000 || c < 0 || c >= static_cast<int64_t>(kMostClasses)) continue;
      dots[static_cast<std::size_t>(c)] += fmt::format("M{} {}h0", x, y);
      ++count[static_cast<std::size_t>(c)];
    }
  if (dots.empty()) return {};
  std::vector<std::pair<std::size_t, std::size_t>> order;  // the largest first, as many as a legend can name
  for (const auto& [c, size] : count) order.emplace_back(size, c);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = kShown; i < order.size(); ++i) dots.erase(order[i].second);
  std::string svg;
  Json legend = Json::array();
  for (const auto& [c, path] : dots) {
    drawn += count[c];
    svg += fmt::format(R"(<path class="point m{}" data-class="{}" d="{}"/>)", c % 10, c, path);
    legend.push_back({{"index", c}, {"colour", c % 10}, {"name", c < names.size() ? names[c] : std::to_string(c)}});
  }
  svg = fmt::format(
      R"(<svg viewBox="-12 -12 1024 1024" role="img" aria-label="Map of the features, {} examples of {} classes">{}</svg>)",
      drawn, dots.size(), svg);
  Json map = {{"svg", svg}, {"legend", legend}};
  if (order.size() > kShown) map["of"] = order.size(), map["shown"] = kShown;
  return map;
}

std::string reliability_chart(const std::string& title, const std::vector<ReliabilityBin>& bins) {
  constexpr double kLeft = 42, kSide = 250, kTop = 8, kStrip = 44, kWidth = kLeft + kSide + 10,
                   kHeight = kTop + kSide + kStrip + 46;
  Axis x, y;
  x.from = kLeft, x.to = kLeft + kSide;
  y.from = kTop + kSide, y.to = kTop;
  int64_t most = 1, total = 0;
  for (const auto& bin : bins) most = std::max(most, bin.count), total += bin.count;
  const double base = kTop + kSide + 10 + kStrip;
  std::string svg;
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    svg += fmt::format(R"(<line class="grid" x1="{0:.0f}" x2="{1:.0f}" y1="{2:.1f}" y2="{2:.1f}"/>)", x.from, x.to,
                       y.at(tick));
    svg += fmt::format(R"(<text class="tick end" x="{:.0f}" y="{:.1f}">{:.0f}</text>)", kLeft - 6, y.at(tick) + 3.5,
                       100 * tick);
    svg +=
        fmt::format(R"(<text class="tick mid" x="{:.1f}" y="{:.0f}">{:.0f}</text>)", x.at(tick), base + 14, 100 * tick);
  }
  for (const auto& bin : bins) {
    if (bin.count <= 0) continue;
    const double a = x.at(bin.low) + 0.75, width = x.at(bin.high) - x.at(bin.low) - 1.5;
    const double hit = y.at(bin.accuracy), said = y.at(bin.confidence);
    svg += fmt::format(R"(<g><title>Said {}, right {} of {} times</title>)", percent_text(bin.confidence),
                       percent_text(bin.accuracy), count_text(static_cast<double>(bin.count)));
    svg += fmt::format(R"(<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)", a, hit, width,
                       y.from - hit);
    svg += fmt::format(R"(<rect class="gap" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)", a,
                       std::min(hit, said), width, std::abs(hit - said));
    const double tall = std::max(1.0, kStrip * static_cast<double>(bin.count) / static_cast<double>(most));
    svg += fmt::format(R"(<rect class="often" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/></g>)", a,
                       base - tall, width, tall);
  }
  svg += fmt::format(R"(<path class="diagonal" d="M{:.0f} {:.0f}L{:.0f} {:.0f}"/>)", x.from, y.from, x.to, y.to);
  svg +=
      fmt::format(R"(<text class="axis mid" x="{:.0f}" y="{:.0f}">confidence, %</text>)", kLeft + kSide / 2, base + 31);
  svg += fmt::format(R"svg(<text class="axis mid" transform="translate(11 {:.0f}) rotate(-90)">right, %</text>)svg",
                     kTop + kSide / 2);
  svg += fmt::format(R"svg(<text class="axis mid" transform="translate(11 {:.0f}) rotate(-90)">share</text>)svg",
                     base - kStrip / 2);
  return fmt::format(
      R"(<svg class="reliability" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="Reliability diagram, {}, {} predictions">{}</svg>)",
      kWidth, kHeight, escape_html(title), count_text(static_cast<double>(total)), svg);
}

}  // namespace fewlabel
