// Whether everything on the page can be read: contrast as WCAG 2.1 defines it (success criteria 1.4.3 and 1.4.11).
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "report/charts.h"
#include "report/template.h"

namespace fewlabel {
namespace {

using Colour = std::array<double, 3>;  // of 255
using Palette = std::map<std::string, Colour>;

constexpr double kText = 4.5, kMark = 3;

const std::string& style() {
  static const std::string text(template_file("report.css"));
  return text;
}

/// The variables of the page: light ones, or those with the dark ones in their place.
Palette palette(bool dark) {
  const std::size_t other = style().find("prefers-color-scheme: dark"), end = style().find("\n}", other);
  Palette colours;
  const auto read = [&](std::string part) {
    const std::regex variable("--([a-z0-9]+): #([0-9a-f]{6});");
    for (std::sregex_iterator at(part.begin(), part.end(), variable), none; at != none; ++at) {
      const unsigned long rgb = std::stoul((*at)[2], nullptr, 16);
      colours[(*at)[1]] = {static_cast<double>(rgb >> 16), static_cast<double>(rgb >> 8 & 255),
                           static_cast<double>(rgb & 255)};
    }
  };
  read(style().substr(0, other));
  if (dark) read(style().substr(other, end - other));
  return colours;
}

double luminance(const Colour& colour) {
  const auto linear = [](double value) {
    const double v = value / 255;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

double contrast(const Colour& a, const Colour& b) {
  const double first = luminance(a), second = luminance(b);
  return (std::max(first, second) + 0.05) / (std::min(first, second) + 0.05);
}

Colour blend(const Colour& front, double opacity, const Colour& back) {
  Colour mixed;
  for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] = opacity * front[i] + (1 - opacity) * back[i];
  return mixed;
}

double opacity_of(const std::string& rule) {
  std::smatch match;
  const std::regex pattern("\\" + rule + " \\{[^}]*opacity: ([0-9.]+)");
  return std::regex_search(style(), match, pattern) ? std::stod(match[1]) : 1;
}

TEST(Contrast, IsThatOfTheStandard) {
  EXPECT_NEAR(contrast({0, 0, 0}, {255, 255, 255}), 21, 1e-9);
  EXPECT_NEAR(contrast({119, 119, 119}, {255, 255, 255}), 4.48, 0.005);  // #777, known to fail by a hair
}

TEST(Contrast, TextIsReadableOnEveryGround) {
  for (const bool dark : {false, true}) {
    const Palette colours = palette(dark);
    for (const char* text : {"ink", "soft", "c0", "better", "worse"})
      for (const char* ground : {"paper", "panel", "faint"})
        EXPECT_GE(contrast(colours.at(text), colours.at(ground)), kText)
            << text << " on " << ground << ", dark " << dark;
    EXPECT_GE(contrast(colours.at("paper"), colours.at("ink")), kText);  // the tip under the pointer
  }
  EXPECT_NE(palette(false).at("ink"), palette(true).at("ink"));
}

TEST(Contrast, LinesAndKeysOfChartsStandOut) {
  for (const bool dark : {false, true}) {
    const Palette colours = palette(dark);
    std::vector<std::string> marks = {"hit", "miss"};
    for (int i = 0; i < 6; ++i) marks.push_back("c" + std::to_string(i));
    for (int i = 0; i < 10; ++i) marks.push_back("m" + std::to_string(i));
    for (const auto& mark : marks)
      for (const char* ground : {"paper", "panel"})
        EXPECT_GE(contrast(colours.at(mark), colours.at(ground)), kText)
            << mark << " on " << ground << ", dark " << dark;
  }
}

TEST(Contrast, TranslucentMarksStandOut) {
  for (const bool dark : {false, true}) {
    const Palette colours = palette(dark);
    const Colour paper = colours.at("paper"), panel = colours.at("panel");
    for (const auto& [rule, colour] : {std::pair{".bar", "hit"}, {".gap", "miss"}, {".often", "soft"}})
      EXPECT_GE(contrast(blend(colours.at(colour), opacity_of(rule), paper), paper), kMark) << rule << dark;
    for (int i = 0; i < 10; ++i)
      EXPECT_GE(contrast(blend(colours.at("m" + std::to_string(i)), opacity_of(".point"), panel), panel), kMark)
          << i << dark;
  }
}

TEST(Contrast, MarkedWordsAreReadableHoweverHeavy) {
  std::smatch match;
  const std::regex strength("--for\\), calc\\(([0-9.]+) \\+ ([0-9.]+) \\* var\\(--weight\\)\\)");
  ASSERT_TRUE(std::regex_search(style(), match, strength));
  const double heaviest = std::stod(match[1]) + std::stod(match[2]);
  for (const bool dark : {false, true}) {
    const Palette colours = palette(dark);
    for (const auto& [mark, same] : {std::pair{"for", "hit"}, {"against", "miss"}}) {
      const Colour& c = colours.at(same);
      EXPECT_THAT(style(), ::testing::HasSubstr(fmt::format("--{}: {}, {}, {};", mark, c[0], c[1], c[2])));
      for (const double shade : {heaviest / 2, heaviest})
        EXPECT_GE(contrast(colours.at("ink"), blend(c, shade, colours.at("panel"))), kText) << mark << shade << dark;
    }
  }
}

TEST(Contrast, NumbersAreReadableOnTheDarkestCellsOfTheMatrix) {
  const std::string svg = heat_map({"a", "b"}, {{10, 0}, {10, 0}}, {0, 1});  // all right, and all wrong
  double darkest = 0;
  const std::regex opacity("fill-opacity=\"([0-9.]+)\"");
  for (std::sregex_iterator at(svg.begin(), svg.end(), opacity), none; at != none; ++at)
    darkest = std::max(darkest, std::stod((*at)[1]));
  EXPECT_GT(darkest, 0.3);
  for (const bool dark : {false, true}) {
    const Palette colours = palette(dark);
    for (const char* cell : {"hit", "miss"})
      for (const double shade : {0.0, darkest / 2, darkest})
        EXPECT_GE(contrast(colours.at("ink"), blend(colours.at(cell), shade, colours.at("paper"))), kText)
            << cell << shade << dark;
  }
}

}  // namespace
}  // namespace fewlabel
