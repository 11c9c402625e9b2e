#include <gmock/gmock.h>

#include "report/fixtures.h"
#include "report/html.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json unlabelled_found() {
  const Json picture = {{"name", kHostile}, {"probability", 0.91}, {"png_base64", kPng}};
  const Json labelled = {{"name", "l"}, {"class", kHostile}, {"png_base64", kPng}};
  return {{"examples", 500},
          {"of", 2000},
          {"classes",
           {{{"name", kHostile}, {"labels", 4}, {"called", 450}, {"surest", {picture}}, {"least_sure", {picture}}},
            {{"name", "rare"}, {"labels", 4}, {"called", 50}}}},
          {"suspicious",
           {{{"name", "s"}, {"label", "rare"}, {"predicted", kHostile}, {"probability", 0.9}, {"png_base64", kPng}}}},
          {"compared", 508},
          {"pairs", 3},
          {"near_duplicates", {{{"first", labelled}, {"second", picture}, {"likeness", 0.999}}}},
          {"two_labels", {{{"first", labelled}, {"second", labelled}, {"likeness", 1.0}}}}};
}

TEST_F(ReportTest, ShowsWhatWasMadeOfTheUnlabelled) {
  Json summary = full_summary();
  for (const char* key : {"accuracy", "accuracy_low", "accuracy_high", "supervised_accuracy"}) summary.erase(key);
  summary["label_accuracy"] = 0.97;
  run.write_json(run.summary(), summary);
  run.write_json(run.evaluation(), {{"unlabelled", unlabelled_found()}});
  const std::string page = report_html(run);
  EXPECT_THAT(page, HasSubstr("asked about 500 of the 2,000 examples"));
  EXPECT_THAT(page, HasSubstr("450 <small>90\u202f%</small>"));
  for (const char* part : {"surest, 91\u202f%", "least sure, 91\u202f%", "Labels to look at", "One example, two labels",
                           "3 pairs of examples that hardly differ, among 508", "so look for yourself", "97.0"})
    EXPECT_THAT(page, HasSubstr(part)) << part;
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  const Json found = unlabelled_found();
  for (const auto& [key, value] : found.items())
    for (const Json& odd : {Json(), Json("text"), Json(-1), Json::array({1, nullptr}), Json{{"a", 1}}}) {
      Json less = found;
      less[key] = odd;
      run.write_json(run.evaluation(), {{"unlabelled", less}});
      EXPECT_NO_THROW(report_html(run)) << key << odd;
    }
}

}  // namespace
}  // namespace fewlabel
