#include <gmock/gmock.h>

#include <string>

#include "report/fixtures.h"
#include "report/html.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ReportTest, TakesAnyNumberOfClassesAndDrawsFortyOfThem) {
  for (const int classes : {1, 2, 16, 17, 40, 41, 100, 300}) {
    run.write_json(run.evaluation(), full_evaluation(classes));
    const std::string page = report_html(run);
    EXPECT_THAT(page, HasSubstr("Confusion matrix of " + std::to_string(std::min(classes, 40)) + " classes"))
        << classes;
    EXPECT_EQ(page.find("with the most errors") != std::string::npos, classes > 40) << classes;
  }
}

TEST_F(ReportTest, TheClassesThatAreDrawnAreThoseWithTheMostErrors) {
  Json json = {{"classes", Json::array()}, {"confusion", Json::array()}};
  for (int r = 0; r < 60; ++r) {
    json["classes"].push_back("class" + std::to_string(r));
    Json row = Json::array();
    for (int c = 0; c < 60; ++c) row.push_back(r == c ? 9 : r >= 20 && c == (r + 1) % 60 ? 1 : 0);
    json["confusion"].push_back(row);
  }
  run.write_json(run.evaluation(), json);
  const std::string page = report_html(run), matrix = page.substr(page.find("class=\"heat\""));
  const std::string drawn = matrix.substr(0, matrix.find("</svg>"));
  EXPECT_THAT(drawn, Not(HasSubstr(">class10<")));
  EXPECT_THAT(drawn, HasSubstr(">class21<"));
  EXPECT_THAT(drawn, HasSubstr(">class59<"));
}

}  // namespace
}  // namespace fewlabel
