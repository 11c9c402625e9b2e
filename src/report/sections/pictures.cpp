// The part of the report about what a model makes: reconstructions, samples, and how good they are.
#include <fmt/format.h>

#include <algorithm>

#include "report/exhibit.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

/// Counts of classes as bars.
void add_histogram(Json& histograms, const std::string& title, const Json& counts) {
  double most = 1;
  for (const auto& item : counts) most = std::max(most, number_of(item, "count").value_or(0));
  Json rows = Json::array();
  for (const auto& item : counts) {
    const double count = std::max(0.0, number_of(item, "count").value_or(0));
    rows.push_back({{"name", text_of(item, "class")},
                    {"width", fmt::format("{:.1f}", 100 * count / most)},
                    {"count", count_text(count)}});
  }
  if (!rows.empty()) histograms.push_back({{"title", title}, {"rows", rows}});
}

Json quality_view(const Json& samples) {
  const Json &ours = object_of(samples, "samples"), &real = object_of(samples, "real");
  if (!number_of(ours, "frechet_distance")) return {};
  const std::string judge = text_of(samples, "judge");
  const auto line = [&](const std::string& name, const char* key, bool share) {
    const auto text = [&](const Json& from) {
      const auto value = number_of(from, key);
      return !value ? std::string("–") : share ? percent_text(*value) : fmt::format("{:.3g}", *value);
    };
    return Json{{"name", name}, {"ours", text(ours)}, {"real", text(real)}};
  };
  Json histograms = Json::array();
  add_histogram(histograms, "Classes of the samples", list_of(samples, "sample_classes"));
  add_histogram(histograms, "Classes of as many real examples", list_of(samples, "real_classes"));
  return {{"count", count_text(number_of(samples, "count").value_or(0))},
          {"judge", judge},
          {"rows", Json::array({line("Fréchet distance on features of " + judge, "frechet_distance", false),
                                line("Precision", "precision", true), line("Recall", "recall", true)})},
          {"histograms", histograms}};
}

}  // namespace

Json pictures_view(const ReportInput& input) {
  Json sheets = Json::array(), over_time = Json::array();
  const auto add = [&](const char* key, const char* title, const char* about, const char* note) {
    if (Json exhibit = exhibit_view(object_of(input.evaluation, key), about); !exhibit.is_null())
      sheets.push_back({{"title", title}, {"exhibit", std::move(exhibit)}, {"note", note}});
  };
  add("reconstructions", "Reconstructions", "originals above, rebuilt below",
      "Above: examples it did not learn from. Below: what it makes of them.");
  add("samples", "Samples", "samples", "Drawn, not chosen.");
  for (const auto& [step, png] : input.samples)
    over_time.push_back({{"step", count_text(static_cast<double>(step))},
                         {"exhibit", exhibit_view({{"png_base64", png}}, "samples at step " + std::to_string(step))}});
  Json quality = quality_view(object_of(input.probes, "samples"));
  if (sheets.empty() && over_time.empty() && quality.is_null()) return {};
  Json view = {{"sheets", sheets}, {"quality", std::move(quality)}};
  if (!over_time.empty()) view["over_time"] = {{"sheets", over_time}};
  return view;
}

}  // namespace fewlabel
