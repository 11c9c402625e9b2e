// Its worst mistakes.
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {

Json mistakes_view(const ReportInput& input) {
  Json view = cards_view(list_of(input.evaluation, "mistakes"), "true");
  if (view.is_object() && number_of(input.summary, "word_error_rate")) view["heard"] = true;
  if (view.is_object())
    for (const Json& card : view["cards"])
      if (card.contains("near")) view["near"] = true;
  return view;
}

}  // namespace fewlabel
