#include <gmock/gmock.h>

#include <sstream>

#include "report/fixtures.h"
#include "report/summary_text.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;

TEST(SummaryText, SaysWhatFeaturesAreWorth) {
  Json summary = frozen_summary();
  summary["stages"] = {{{"method", "simclr"}, {"linear_accuracy", 0.89}},
                       {{"method", "freematch"}, {"accuracy", 0.86}}};
  const std::string text = summary_text(summary, "r.html");
  EXPECT_THAT(text, HasSubstr("89.1 % on frozen features"));
  EXPECT_THAT(text, HasSubstr("raw pixels 85.2 %"));
  EXPECT_THAT(text, HasSubstr("0.0171 a pixel"));
  EXPECT_THAT(text, HasSubstr("freematch, accuracy 86.0 %"));
}

TEST(SummaryText, FitsEightyColumns) {
  Json summary = full_summary();
  summary["notes"] = {"no validation split: with few labels none was held out; nothing was selected on the test split"};
  const std::string text = summary_text(summary, "runs/demo/report.html");
  EXPECT_THAT(text, HasSubstr("81.2 % (95 % interval 77.0 to 85.0)"));
  EXPECT_THAT(text, HasSubstr("+7.8 points"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_EQ(summary_text(Json()), "");
}

}  // namespace
}  // namespace fewlabel
