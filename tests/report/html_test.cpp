// The page as a whole: complete, escaped, self-contained, whatever the run holds or lacks.
#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "core/files.h"
#include "report/fixtures.h"
#include "report/html.h"
#include "report/summary_text.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::put;

TEST_F(ReportTest, ShowsAllThatTheRunHas) {
  run.write_json(run.summary(), full_summary());
  run.write_json(run.evaluation(), full_evaluation(2));
  put(run.metrics(), "{\"step\": 50, \"seconds\": 1, \"loss/s\": 0.5, \"test/accuracy\": 0.7}\n");
  put(run.command(), "fewlabel train recipe.toml");
  write_report(run);
  const std::string page = read_file(run.report());
  for (const char* id : {"result", "labels", "training", "classes", "mistakes", "trust", "making"})
    EXPECT_THAT(page, HasSubstr("<section id=\"" + std::string(id) + "\"")) << id;
  EXPECT_THAT(page, HasSubstr("+7.8 points"));
  EXPECT_THAT(page, HasSubstr("fewlabel train recipe.toml"));
}

TEST_F(ReportTest, WhatIsWiderThanTheWindowScrollsByItself) {
  run.write_json(run.summary(), full_summary());
  run.write_json(run.evaluation(), full_evaluation(10));
  run.write_json(run.probes(), {{"samples",
                                 {{"judge", "runs/judge"},
                                  {"samples", {{"frechet_distance", 12.5}}},
                                  {"sample_classes", {{{"class", "a"}, {"count", 3}}}}}}});
  const std::string page = report_html(run), scrolls = "<div class=\"scroll\">";
  EXPECT_THAT(page, ::testing::ContainsRegex("\\.scroll \\{[^}]*overflow-x: auto"));
  int found = 0;
  for (const char* wide : {"<table", "<svg class=\"heat\""})
    for (std::size_t at = page.find(wide); at != std::string::npos; at = page.find(wide, at + 1), ++found)
      EXPECT_EQ(page.substr(at - scrolls.size(), scrolls.size()), scrolls) << page.substr(at, 60);
  EXPECT_GE(found, 4);
}

TEST_F(ReportTest, EscapesHostileNames) {
  run.write_json(run.summary(), full_summary());
  run.write_json(run.evaluation(), full_evaluation(2));
  put(run.metrics(), "{\"step\": 1, \"x\\\"><script>alert(1)</script>\": 0.5}\n");
  const std::string page = report_html(run);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert"));
  EXPECT_THAT(page, Not(HasSubstr("\x01")));
}

TEST_F(ReportTest, LoadsNothingFromElsewhere) {
  run.write_json(run.summary(), full_summary());
  run.write_json(run.evaluation(), full_evaluation(2));
  const std::string page = report_html(run);
  for (const char* way : {"http://", "https://", "src=\"/", "@import", "url("}) EXPECT_THAT(page, Not(HasSubstr(way)));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST_F(ReportTest, LooksCompleteWhateverIsMissing) {
  EXPECT_THAT(report_html(run), Not(HasSubstr("<section id=\"result\"")));
  const Json summary = full_summary(), evaluation = full_evaluation(2);
  for (const auto& [key, value] : summary.items()) {
    Json less = summary;
    less.erase(key);
    run.write_json(run.summary(), less);
    EXPECT_THAT(report_html(run), Not(::testing::ContainsRegex("[> (+-]nan[ <%)]"))) << key;
  }
  for (const auto& [key, value] : evaluation.items()) {
    Json less = evaluation;
    less.erase(key);
    run.write_json(run.evaluation(), less);
    EXPECT_NO_THROW(report_html(run)) << key;
  }
}

TEST_F(ReportTest, SurvivesValuesOfTheWrongKind) {
  const std::vector<Json> odd = {nullptr, "text", -1, 1e300, Json::array({1, "a", nullptr}), {{"a", 1}}, true};
  for (const auto& value : odd) {
    Json summary = full_summary(), evaluation = full_evaluation(2);
    for (auto& item : summary.items()) item.value() = value;
    run.write_json(run.summary(), summary);
    for (auto& item : evaluation.items()) item.value() = value;
    run.write_json(run.evaluation(), evaluation);
    EXPECT_NO_THROW(report_html(run)) << value;
    EXPECT_NO_THROW(summary_text(summary)) << value;
  }
}

}  // namespace
}  // namespace fewlabel
