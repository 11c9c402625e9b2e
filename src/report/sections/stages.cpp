// The stages of a chain.
#include "core/text.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {

Json stages_view(const ReportInput& input) {
  Json rows = Json::array();
  for (const auto& stage : list_of(input.summary, "stages")) {
    const auto accuracy = number_of(stage, "accuracy"), linear = number_of(stage, "linear_accuracy");
    const auto labels = number_of(stage, "labels"), steps = number_of(stage, "steps");
    const auto seconds = number_of(stage, "train_seconds");
    const auto reached = accuracy ? accuracy : linear;
    rows.push_back({{"title", text_of(stage, "method_title")},
                    {"labels", labels ? count_text(*labels) : "–"},
                    {"steps", steps ? count_text(*steps) : "–"},
                    {"time", seconds ? duration(*seconds) : "–"},
                    {"accuracy", reached ? percent_text(*reached) : "–"},
                    {"linear", linear && !accuracy}});
  }
  return rows.empty() ? Json() : Json{{"rows", rows}};
}

}  // namespace fewlabel
