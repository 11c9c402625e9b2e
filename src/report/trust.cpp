// The part of the report about its confidence.
#include <fmt/format.h>

#include <algorithm>

#include "report/charts.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

std::vector<ReliabilityBin> bins_of(const Json& evaluation, const char* key) {
  std::vector<ReliabilityBin> bins;
  for (const auto& item : list_of(evaluation, key)) {
    const auto share = [&](const char* name) { return std::clamp(number_of(item, name).value_or(0), 0.0, 1.0); };
    const auto count = std::clamp(number_of(item, "count").value_or(0), 0.0, 1e15);
    bins.push_back({share("low"), share("high"), static_cast<int64_t>(count), share("confidence"), share("accuracy")});
  }
  return bins;
}

std::string diagram(const std::string& title, const std::vector<ReliabilityBin>& bins, std::optional<double> ece) {
  if (bins.empty()) return {};
  return fmt::format("<figure><figcaption><strong>{}</strong>{}</figcaption>{}</figure>", escape_html(title),
                     ece ? "<span class=\"legend\">calibration error <b>" + percent_text(*ece) + "</b></span>" : "",
                     reliability_chart(title, bins));
}

}  // namespace

std::string trust_section(const ReportInput& input) {
  const Json& s = input.summary;
  std::string html = diagram("As trained", bins_of(input.evaluation, "reliability"), number_of(s, "ece"));
  const auto temperature = number_of(s, "temperature");
  html += diagram(temperature ? fmt::format("With temperature {:.2f}", *temperature) : "With temperature",
                  bins_of(input.evaluation, "reliability_calibrated"), number_of(s, "ece_calibrated"));
  if (html.empty()) return {};
  return section(
      "trust", "How far to trust its confidence",
      "Of the answers it gave with 80\u202f% confidence, 80\u202f% should be right: bars that reach the diagonal. "
      "<i class=\"swatch gap\"></i> is the gap; below, how often each confidence occurs.",
      "<div class=\"pair\">" + html + "</div>");
}

}  // namespace fewlabel
