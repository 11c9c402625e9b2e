// Its worst mistakes.
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {

Json mistakes_view(const ReportInput& input) { return cards_view(list_of(input.evaluation, "mistakes"), "true"); }

}  // namespace fewlabel
