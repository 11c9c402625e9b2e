#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>

#include "report/fixtures.h"
#include "report/html.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::put;

TEST_F(ReportTest, KnowsTheSpeedByBothItsNames) {
  for (const std::string key : {"images_per_second", "examples_per_second"}) {
    put(run.metrics(), "{\"step\": 1, \"" + key + "\": 3400}\n");
    run.write_json(run.summary(), {{key, 5600}});
    const std::string page = report_html(run);
    EXPECT_THAT(page, HasSubstr("<dt>Examples a second</dt><dd>5,600")) << key;
    EXPECT_THAT(page, HasSubstr("<strong>Examples a second</strong>")) << key;
    EXPECT_THAT(page, Not(HasSubstr("More that was measured"))) << key;
  }
}

TEST_F(ReportTest, DrawsNumbersThatAreHugeAndNearlyAlike) {
  const auto page_of = [&](const std::string& first, const std::string& second) {
    put(run.metrics(), fmt::format("{{\"step\": {}\n{{\"step\": {}\n", first, second));
    return report_html(run);
  };
  const auto ticks = [](const std::string& page) {
    std::size_t count = 0;
    for (std::size_t at = page.find("class=\"tick"); at != std::string::npos; at = page.find("class=\"tick", at + 1))
      ++count;
    return count;
  };
  for (const auto& page : {page_of("1, \"test/accuracy\": 1e17}", "2, \"test/accuracy\": 100000000000000016}"),
                           page_of("1000000000000000000, \"x\": 1}", "1000000000000000128, \"x\": 2}"),
                           page_of("1, \"x\": 0}", "2, \"x\": 5e-324}")}) {
    EXPECT_THAT(page, HasSubstr("<section id=\"training\""));
    EXPECT_LE(ticks(page), 20u);
    EXPECT_THAT(page, Not(::testing::ContainsRegex("[\"MLH ]-?(nan|inf)[ML,\" ]")));
  }
}

}  // namespace
}  // namespace fewlabel
