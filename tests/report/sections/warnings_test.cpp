// Sentences for a person: warnings at the top, notes at the end.
#include <gmock/gmock.h>

#include "report/fixtures.h"
#include "report/html.h"
#include "report/summary_text.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ReportTest, WarnsAtTheTop) {
  Json summary = full_summary();
  EXPECT_THAT(report_html(run), Not(HasSubstr("id=\"warnings\"")));
  summary["warnings"] = {{{"kind", "one_class"}, {"sentence", "All are called <b> `x<y`."}}, 7, {{"kind", "odd"}}};
  run.write_json(run.summary(), summary);
  const std::string page = report_html(run);
  EXPECT_THAT(page, HasSubstr("All are called &lt;b&gt; <code class=\"word\">x&lt;y</code>."));
  EXPECT_LT(page.find("<section id=\"warnings\""), page.find("<section id=\"result\""));
  EXPECT_THAT(summary_text(summary), HasSubstr("WARNING       All are called"));
}

TEST_F(ReportTest, NotesShowCommandsAsCode) {
  Json summary = full_summary();
  summary["notes"] = {"`fewlabel evaluate RUN <DATA>` measures; a lone ` stays"};
  run.write_json(run.summary(), summary);
  EXPECT_THAT(report_html(run),
              HasSubstr("<li><code>fewlabel evaluate RUN &lt;DATA&gt;</code> measures; a lone ` stays</li>"));
}

}  // namespace
}  // namespace fewlabel
