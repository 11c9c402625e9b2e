#include "report/html.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "core/files.h"
#include "helpers.h"
#include "report/markup.h"
#include "report/run_tables.h"
#include "report/summary_text.h"

namespace fewlabel {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;
using testing::put;
using testing::TemporaryFolder;

// A grey PNG of one pixel.
constexpr const char* kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
constexpr const char* kHostile = "<script>alert(1)</script>\"'&\xff\x01";

Json full_summary() {
  return {{"data", "fashion_mnist@100:seed=0"},
          {"labels", 100},
          {"unlabeled", 59900},
          {"classes", 2},
          {"test_examples", 400},
          {"method", "freematch"},
          {"net", "cnn"},
          {"accuracy", 0.8125},
          {"accuracy_low", 0.77},
          {"accuracy_high", 0.85},
          {"supervised_accuracy", 0.735},
          {"ece", 0.1},
          {"ece_calibrated", 0.02},
          {"temperature", 1.5},
          {"train_seconds", 290},
          {"steps", 2400},
          {"damaged", {{"count", 1}, {"names", {kHostile}}}},
          {"notes", {"no validation split"}}};
}
Json full_evaluation(int classes) {
  Json json = {{"classes", Json::array()}, {"confusion", Json::array()}};
  for (int r = 0; r < classes; ++r) {
    json["classes"].push_back(std::string(kHostile) + std::to_string(r));
    Json row = Json::array();
    for (int c = 0; c < classes; ++c) row.push_back(r == c ? 150 : 50);
    json["confusion"].push_back(row);
  }
  json["reliability"] = {{{"low", 0.8}, {"high", 1.0}, {"count", 400}, {"confidence", 0.9}, {"accuracy", 0.8}}};
  json["mistakes"] = {
      {{"name", kHostile}, {"true", kHostile}, {"predicted", "b"}, {"probability", 0.99}, {"png_base64", kPng}}};
  json["label_examples"] = {{{"class", kHostile}, {"png_base64", kPng}}};
  return json;
}

RunStatus status_of(RunState state, int64_t step = 0, int64_t steps = 0) {
  RunStatus status;
  status.state = state;
  status.step = step;
  status.steps = steps;
  return status;
}

struct ReportTest : ::testing::Test {
  TemporaryFolder root;
  RunFolder run = make();
  RunFolder make() {
    auto folder = RunFolder::create(root / "a");
    folder.write_status(status_of(RunState::finished));
    return folder;
  }
};

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

Json frozen_summary() {
  return {{"data", "fashion_mnist"},
          {"labels", 0},
          {"unlabeled", 60000},
          {"test_examples", 10000},
          {"method", "simclr"},
          {"method_title", "SimCLR"},
          {"family", "self/joint_embedding"},
          {"linear_accuracy", 0.891},
          {"knn_accuracy", 0.876},
          {"knn_euclidean_accuracy", 0.872},
          {"pixels_knn_accuracy", 0.852},
          {"probe_labels", 60000},
          {"reconstruction_error", 0.0171},
          {"embedding_spread", 0.91},
          {"embedding_rank", 41.5}};
}

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

TEST_F(ReportTest, DamagedMapsAndProbesAreLeftOut) {
  run.write_json(run.summary(), frozen_summary());
  run.write_json(run.evaluation(),
                 {{"embedding_map", {{"points", {{0, 0, -1}, {-5, 0, 0}, {"x", 1, 2}, 7}}, {"share", "much"}}}});
  run.write_json(run.probes(), {{"knn", 3}, {"samples", {{"judge", 1}}}});
  EXPECT_NO_THROW(report_html(run));
  EXPECT_THAT(report_html(run), Not(HasSubstr("class=\"point")));
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
  for (const char* part : {"surest, 91\u202f%", "least sure, 91\u202f%", "Labels to look at", "One picture, two labels",
                           "3 pairs of pictures that hardly differ, among 508", "so look for yourself", "97.0"})
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

TEST(Markup, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(escape_html("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  for (const char* bad : {"\xff", "\xc0", "\xed", "\x80", "\x1b"}) EXPECT_EQ(escape_html(bad), "\xef\xbf\xbd");
  EXPECT_EQ(escape_html("<a b=\"'&\">"), "&lt;a b=&quot;&#39;&amp;&quot;&gt;");
}

TEST(Markup, TakesOnlyPicturesInBase64) {
  EXPECT_EQ(png_width(kPng), 1);
  EXPECT_FALSE(png_width(std::string(kPng) + "\" onerror=\"x"));
  EXPECT_FALSE(png_width("R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="));
  EXPECT_FALSE(png_width(""));
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

TEST(RunTables, FitEightyColumnsAndCompareWhatDiffers) {
  TemporaryFolder root;
  for (const char* name : {"a", "b"}) {
    auto run = RunFolder::create(root / name);
    run.write_status({});
    Json summary = full_summary();
    summary["data"] = std::string(200, 'x') + "\x1b[31m";
    run.write_json(run.summary(), summary);
    put(run.plan(), std::string("seed = 0\n[method]\ntau = 0.") + name[0] + "\n");
  }
  const auto runs = list_runs(root.path());
  const Json comparison = compare_json(runs);
  ASSERT_EQ(comparison["plan"].size(), 1u);
  EXPECT_EQ(comparison["plan"][0]["key"], "method.tau");
  for (const std::string& text : {runs_text(runs_json(runs)), compare_text(comparison), run_text(run_json(runs[0]))}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }), 80) << line;
  }
}

TEST(RunTables, NamesStayDistinctHoweverNarrow) {
  TemporaryFolder root;
  std::vector<std::string> names;
  for (int i = 1; i <= 7; ++i)
    names.push_back(fmt::format("fashion_mnist-freematch-with-quarter-turns-{}-and-much-more-to-say", i));
  for (const auto& name : names) {
    auto run = RunFolder::create(root / name);
    run.write_status({});
    run.write_json(run.summary(), full_summary());
  }
  const Json runs = runs_json(list_runs(root.path()));
  std::set<std::string> lines;
  std::istringstream narrow(runs_text(runs));
  for (std::string line; std::getline(narrow, line);) lines.insert(line);
  EXPECT_EQ(lines.size(), 8u);
  for (const auto& name : names) {
    EXPECT_THAT(runs_text(runs, 0), HasSubstr(name + "  "));
    EXPECT_THAT(runs_text(runs), Not(HasSubstr(name)));
  }
}

TEST(RunTables, AnUnfinishedRunSaysWhatItIsAbout) {
  TemporaryFolder root;
  auto planned = RunFolder::create(root / "planned");
  planned.write_status(status_of(RunState::interrupted, 3, 20));
  put(planned.config(), "[data]\npath = \"photos\"\n");
  put(planned.plan(),
      "seed = 0\n\n[data]\npath = 'pho\"tos@4'\n\n[net]\nname = \"cnn\"\n\n[method]\nname = \"fixmatch\"\n");
  auto failed = RunFolder::create(root / "failed");
  failed.write_status(status_of(RunState::failed));
  put(failed.config(), "[data]\npath = \"photos\"\n");
  auto chain = RunFolder::create(root / "chain");
  chain.write_status(status_of(RunState::interrupted));
  put(chain.config(),
      "out = \"x\"\n\n[[stage]]\n\n[stage.data]\npath = \"d\"\n\n[stage.method]\nname = \"simclr\"\n\n[[stage]]\n\n"
      "[stage.method]\nname = \"freematch\"\n");
  std::map<std::string, std::pair<Json, Json>> found;
  for (const auto& run : runs_json(list_runs(root.path()))) found[run["name"]] = {run["method"], run["data"]};
  EXPECT_EQ(found["planned"], (std::pair<Json, Json>("fixmatch", "pho\"tos@4")));
  EXPECT_EQ(found["failed"], (std::pair<Json, Json>(nullptr, "photos")));
  EXPECT_EQ(found["chain"], (std::pair<Json, Json>("freematch", "d")));
  EXPECT_THAT(runs_text(runs_json({planned})), HasSubstr("fixmatch"));
}

TEST(RunTables, ARunShowsItsStepsOnce) {
  TemporaryFolder root;
  auto run = RunFolder::create(root / "a");
  run.write_status(status_of(RunState::finished, 2400, 2400));
  run.write_json(run.summary(), full_summary());
  const std::string text = run_text(run_json(run));
  EXPECT_EQ(text.find("\nsteps "), text.rfind("\nsteps "));
  EXPECT_THAT(text, HasSubstr("\nsteps "));
}

TEST(Prune, RemovesOnlyOldCheckpointsOfFinishedRuns) {
  TemporaryFolder root;
  for (const auto& [name, state] : {std::pair{"done", RunState::finished}, {"stopped", RunState::interrupted}}) {
    auto run = RunFolder::create(root / name);
    run.write_status(status_of(state));
    for (const char* step : {"step-000009", "step-000100", "step-000020", "step-000200.tmp-7"})
      put(run.checkpoints() / step / "w", "1234");
  }
  const auto runs = list_runs(root.path());
  EXPECT_EQ(prune_runs(runs, 1)["bytes"], 8);
  EXPECT_TRUE(std::filesystem::exists(root / "done/checkpoints/step-000009")) << "only listed so far";
  prune_runs(runs, 1, Prune::remove);
  EXPECT_FALSE(std::filesystem::exists(root / "done/checkpoints/step-000009"));
  EXPECT_FALSE(std::filesystem::exists(root / "done/checkpoints/step-000020"));
  EXPECT_TRUE(std::filesystem::exists(root / "done/checkpoints/step-000100"));
  EXPECT_TRUE(std::filesystem::exists(root / "stopped/checkpoints/step-000009"));
}

TEST(Report, ShowsTheEstimateWhereNothingElseJudges) {
  const TemporaryFolder root;
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
  EXPECT_THAT(report_html(run), ::testing::Not(HasSubstr("accuracy, estimated")));
}

}  // namespace
}  // namespace fewlabel
