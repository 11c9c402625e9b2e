// What was reached: the headline, and the stages of a chain.
#include <gmock/gmock.h>

#include "report/fixtures.h"
#include "report/html.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Report, ShowsTheEstimateWhereNothingElseJudges) {
  const testing::TemporaryFolder root;
  const RunFolder run = RunFolder::create(root / "a");
  Json summary = {{"method", "freematch"},           {"method_title", "FreeMatch"},
                  {"estimated_accuracy", 0.62},      {"estimated_low", 0.5},
                  {"estimated_high", 0.81},          {"supervised_estimated_accuracy", 0.4},
                  {"supervised_estimated_low", 0.3}, {"supervised_estimated_high", 0.5}};
  run.write_json(run.summary(), summary);
  const std::string page = report_html(run);
  EXPECT_THAT(page, HasSubstr("accuracy, estimated"));
  EXPECT_THAT(page, HasSubstr("between 50 and 81"));
  EXPECT_THAT(page, HasSubstr("Labels alone"));
  summary["accuracy"] = 0.7;
  run.write_json(run.summary(), summary);
  EXPECT_THAT(report_html(run), Not(HasSubstr("accuracy, estimated")));
}

TEST_F(ReportTest, IsHeadedByWhatTheDataSetIsCalled) {
  Json summary = full_summary();
  summary["title"] = "Fashion-MNIST <b>";
  run.write_json(run.summary(), summary);
  EXPECT_THAT(report_html(run), HasSubstr("<h1>Fashion-MNIST &lt;b&gt; <span>with 100 labels</span></h1>"));
  summary.erase("title");
  for (const auto& [data, name] :
       {std::pair{"fashion_mnist@100:seed=0", "fashion_mnist"}, {"/home/me/photos/@40", "photos"}}) {
    summary["data"] = data;
    run.write_json(run.summary(), summary);
    EXPECT_THAT(report_html(run), HasSubstr("<h1>" + std::string(name) + " <span>")) << "runs of earlier versions";
  }
}

TEST_F(ReportTest, ListsTheStagesOfAChain) {
  Json summary = full_summary();
  summary["stages"] = {{{"method_title", "SimCLR"}, {"linear_accuracy", 0.89}, {"labels", 0}},
                       {{"method_title", kHostile}, {"accuracy", 0.86}, {"labels", 100}}};
  run.write_json(run.summary(), summary);
  const std::string page = report_html(run);
  EXPECT_THAT(page, HasSubstr("<section id=\"stages\""));
  EXPECT_THAT(page, HasSubstr("linear probe"));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
}

}  // namespace
}  // namespace fewlabel
