// What a reader must know before any figure: at the top of the report.
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {

std::string warnings_section(const ReportInput& input) {
  std::string html;
  for (const auto& warning : list_of(input.summary, "warnings"))
    if (const std::string sentence = text_of(warning, "sentence"); !sentence.empty())
      html += "<li>" + prose_html(sentence) + "</li>";
  return html.empty() ? ""
                      : "<section id=\"warnings\" class=\"warning\" aria-label=\"Warnings\"><h2>Before you use it"
                        "</h2><ul>" +
                            html + "</ul></section>\n";
}

}  // namespace fewlabel
