#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "report/fixtures.h"
#include "report/run_tables.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::put;
using testing::TemporaryFolder;

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

}  // namespace
}  // namespace fewlabel
