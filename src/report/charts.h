// The figures of the report as inline SVG, with what the templates put around it. Colours come from the page's style
// sheet, so they follow its dark mode; every mark says its value in a title.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/statistics.h"

namespace fewlabel {

enum class Unit { plain, percent };

struct Series {
  std::string name;
  int colour = 0;                                 // of the palette, 0 … 5; 1 is the baseline's
  std::vector<std::pair<double, double>> points;  // (step, value), finite
};
struct LineChart {
  std::string title, note;
  Unit unit = Unit::plain;
  bool from_zero = false;  // else the axis starts near the smallest value
  std::vector<Series> series;
};
/// What templates/chart.html shows: title, legend, note and the curves; long noisy ones are drawn faint, with their
/// running mean on top.
Json line_chart(const LineChart& chart);

/// One row of the headline figure: an accuracy and its interval.
struct Whisker {
  std::string name;
  int colour = 0;
  double value = 0;
  std::optional<Interval> interval;
};
std::string whisker_chart(const std::vector<Whisker>& rows);

/// The classes `shown` of a confusion matrix: cells shaded by their share of the whole row, hits in one colour, errors
/// in another. Counts are printed up to 16 classes; meant for at most 40 or so.
std::string heat_map(const std::vector<std::string>& names, const Confusion& confusion,
                     const std::vector<std::size_t>& shown);

/// Points [x, y, class], x and y from 0 to 1000, as {"svg", "legend": [{"index", "colour", "name"}]}; of the 40 classes
/// with the most points where there are more, which {"of", "shown"} say. Null when there are none.
Json scatter_map(const std::vector<std::string>& names, const Json& points);

/// Bars of accuracy over confidence, the gap to the diagonal marked, and below it how often each confidence occurs.
std::string reliability_chart(const std::string& title, const std::vector<ReliabilityBin>& bins);

}  // namespace fewlabel
