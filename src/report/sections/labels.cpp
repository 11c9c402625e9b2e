// The examples it was taught.
#include <algorithm>

#include "report/exhibit.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {

Json labels_view(const ReportInput& input) {
  constexpr std::size_t kMost = 1000, kFolded = 24;
  Json rows = Json::array();  // one a class
  std::size_t shown = 0;
  for (const auto& example : list_of(input.evaluation, "label_examples")) {
    const std::string name = text_of(example, "class");
    Json exhibit = exhibit_view(example, name);
    if (exhibit.is_null() || shown >= kMost) continue;
    ++shown;
    auto at = std::find_if(rows.begin(), rows.end(), [&](const Json& row) { return row["name"] == name; });
    if (at == rows.end()) {
      rows.push_back({{"name", name}, {"exhibits", Json::array()}});
      at = rows.end() - 1;
    }
    (*at)["exhibits"].push_back(std::move(exhibit));
  }
  if (rows.empty()) return {};
  const auto labels = number_of(input.summary, "labels");
  return {{"rows", rows},
          {"folded", rows.size() > kFolded ? Json(rows.size()) : Json()},
          {"all", labels && *labels <= static_cast<double>(shown)}};
}

}  // namespace fewlabel
