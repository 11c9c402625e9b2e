// Features, and what a model makes.
#include <gmock/gmock.h>

#include "core/files.h"
#include "report/fixtures.h"
#include "report/html.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::put;

TEST_F(ReportTest, ShowsWhatWasLearntWithoutLabels) {
  run.write_json(run.summary(), frozen_summary());
  Json detail = {{"classes", {kHostile, "b"}},
                 {"embedding_map", {{"points", {{0, 0, 0}, {1000, 500, 1}, {7, 7, 1}}}, {"share", {0.4, 0.2}}}},
                 {"reconstructions", {{"png_base64", kPng}}},
                 {"samples", {{"png_base64", kPng}}}};
  run.write_json(run.evaluation(), detail);
  Json probes = {{"knn", {{"knn_accuracy", 0.8722}, {"knn_euclidean_accuracy", 0.8688}, {"data", kHostile}}},
                 {"finetune@100", {{"finetune_accuracy", 0.81}, {"scratch_accuracy", 0.73}}},
                 {"samples",
                  {{"judge", "runs/judge"},
                   {"count", 2000},
                   {"samples", {{"frechet_distance", 12.5}, {"precision", 0.7}, {"recall", 0.4}}},
                   {"real", {{"frechet_distance", 0.8}, {"precision", 0.9}, {"recall", 0.9}}},
                   {"sample_classes", {{{"class", kHostile}, {"count", 3}}}},
                   {"real_classes", {{{"class", kHostile}, {"count", 2}}}}}}};
  run.write_json(run.probes(), probes);
  put(run.metrics(), "{\"step\": 50, \"seconds\": 1, \"embedding/spread\": 0.5, \"knn/accuracy\": 0.7}\n");
  put(run.samples() / "step-00000200.png", "second");  // no PNG: left out, and so is a name of another form
  put(run.samples() / "evil.png", "x");
  const std::string page = report_html(run);
  for (const char* id : {"result", "features", "pictures", "training", "making"})
    EXPECT_THAT(page, HasSubstr("<section id=\"" + std::string(id) + "\"")) << id;
  EXPECT_THAT(page, HasSubstr("SimCLR</b> learnt from 60,000 examples without a label"));
  EXPECT_THAT(page, HasSubstr("+2.0 points"));
  EXPECT_THAT(page, HasSubstr("0.0171"));
  EXPECT_THAT(page, HasSubstr("M0 0h0"));
  EXPECT_THAT(page, HasSubstr("M1000 500h0M7 7h0"));
  EXPECT_THAT(page, HasSubstr("Fréchet distance on features of runs/judge"));
  EXPECT_THAT(page, HasSubstr("12.5"));
  EXPECT_THAT(page, HasSubstr("Fine-tuned with 100 labels"));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("with 0 labels")));
}

TEST_F(ReportTest, DamagedMapsAndProbesAreLeftOut) {
  run.write_json(run.summary(), frozen_summary());
  run.write_json(run.evaluation(),
                 {{"embedding_map", {{"points", {{0, 0, -1}, {-5, 0, 0}, {"x", 1, 2}, 7}}, {"share", "much"}}}});
  run.write_json(run.probes(), {{"knn", 3}, {"samples", {{"judge", 1}}}});
  EXPECT_NO_THROW(report_html(run));
  EXPECT_THAT(report_html(run), Not(HasSubstr("class=\"point")));
}

TEST_F(ReportTest, TheMapShowsTheClassesWithTheMostPoints) {
  Json detail = {{"classes", Json::array()}, {"embedding_map", {{"points", Json::array()}, {"share", {0.4, 0.2}}}}};
  for (int c = 0; c < 150; ++c) {
    detail["classes"].push_back("class" + std::to_string(c));
    for (int i = 0; i < (c < 110 ? 1 : 2); ++i) detail["embedding_map"]["points"].push_back({c, i, c});
  }
  run.write_json(run.evaluation(), detail);
  const std::string page = report_html(run);
  EXPECT_THAT(page, HasSubstr("Of 150 classes these are the 40 with the most examples here"));
  EXPECT_THAT(page, HasSubstr("</i>class149</li>"));
  EXPECT_THAT(page, Not(HasSubstr("</i>class109</li>")));
}

}  // namespace
}  // namespace fewlabel
