// What a reader must know before any figure: at the top of the report.
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {

Json warnings_view(const ReportInput& input) {
  Json sentences = Json::array();
  for (const auto& warning : list_of(input.summary, "warnings"))
    if (const std::string sentence = text_of(warning, "sentence"); !sentence.empty())
      sentences.push_back({{"parts", prose_parts(sentence)}});
  return sentences.empty() ? Json() : Json{{"sentences", sentences}};
}

}  // namespace fewlabel
