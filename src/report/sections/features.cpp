// The part of the report about features learnt without labels: their map, and probes of later.
#include <fmt/format.h>

#include "report/charts.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

Json map_view(const ReportInput& input) {
  const Json& map = object_of(input.evaluation, "embedding_map");
  Json view = scatter_map(names_of(list_of(input.evaluation, "classes")), list_of(map, "points"));
  const Json& share = list_of(map, "share");
  if (!view.is_null() && share.size() == 2 && share[0].is_number() && share[1].is_number())
    view["variance"] = percent_text(share[0].get<double>() + share[1].get<double>(), 0);
  return view;
}

/// The lines of one probe in the table of later measurements.
void add_probe(Json& rows, const std::string& probe, const Json& found) {
  const auto percent = [&](const char* key) {
    const auto value = number_of(found, key);
    return value ? percent_text(*value, 2) : std::string();
  };
  const auto add = [&](const std::string& name, const std::string& value, const std::string& about) {
    rows.push_back({{"name", name}, {"value", value}, {"about", about}});
  };
  const auto labels = number_of(found, "probe_labels");
  const std::string data = text_of(found, "data"), on = data + (labels ? ", " + count_text(*labels) + " labels" : "");
  if (probe == "knn") {
    add("Nearest neighbours, cosine", percent("knn_accuracy"), on);
    add("Nearest neighbours, Euclidean", percent("knn_euclidean_accuracy"), on);
  } else if (probe == "linear") {
    add("Linear classifier", percent("linear_accuracy"), on);
  } else if (probe == "cluster") {
    add("Clusters matched to classes", percent("cluster_accuracy"), data);
  } else if (const auto error = number_of(found, "reconstruction_error"); error && probe == "reconstruction") {
    add("Reconstruction error", fmt::format("{:.4f}", *error), "squared, a pixel in [0, 1]");
  } else if (probe.starts_with("finetune")) {
    add("Fine-tuned with " + probe.substr(probe.find('@') + 1) + " labels", percent("finetune_accuracy"),
        "from scratch " + percent("scratch_accuracy"));
  }
}

}  // namespace

Json features_view(const ReportInput& input) {
  Json rows = Json::array();
  if (input.probes.is_object())
    for (const auto& [probe, found] : input.probes.items()) add_probe(rows, probe, found);
  Json map = map_view(input);
  if (map.is_null() && rows.empty()) return {};
  Json view = {{"map", std::move(map)}};
  if (!rows.empty()) view["probes"] = {{"rows", rows}};
  return view;
}

}  // namespace fewlabel
