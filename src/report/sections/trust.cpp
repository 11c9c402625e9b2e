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

}  // namespace

Json trust_view(const ReportInput& input) {
  const Json& s = input.summary;
  Json diagrams = Json::array();
  const auto add = [&](const std::string& title, const char* bins_key, const char* error_key) {
    const auto bins = bins_of(input.evaluation, bins_key);
    if (bins.empty()) return;
    const auto error = number_of(s, error_key);
    diagrams.push_back(
        {{"title", title}, {"error", error ? percent_text(*error) : ""}, {"svg", reliability_chart(title, bins)}});
  };
  const auto temperature = number_of(s, "temperature");
  add("As trained", "reliability", "ece");
  add(temperature ? fmt::format("With temperature {:.2f}", *temperature) : "With temperature", "reliability_calibrated",
      "ece_calibrated");
  return diagrams.empty() ? Json() : Json{{"diagrams", diagrams}};
}

}  // namespace fewlabel
