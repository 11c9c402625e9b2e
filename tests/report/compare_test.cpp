#include "report/compare.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "core/text.h"
#include "fewlabel/run.h"
#include "helpers.h"
#include "report/run_tables.h"
#include "report/text_table.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::put;
using testing::TemporaryFolder;

/// A run of `method` with a seed; accuracy is its only figure that differs.
RunFolder make_run(const TemporaryFolder& root, const std::string& method, int seed, double accuracy) {
  const std::string name = fmt::format("{}-seed-{}", method, seed);
  RunFolder run = RunFolder::create(root / name);
  run.write_status({});
  run.write_json(run.summary(), {{"accuracy", accuracy}, {"classes", 10}, {"seed", seed}, {"data", "photos"}});
  put(run.plan(),
      fmt::format("seed = {}\ninit_hash = \"\"\n\n[data]\npath = \"photos@40:seed={}\"\n\n"
                  "[train]\nsteps = {}\nminutes = 2.0\n\n[method]\nname = \"{}\"\ntau = 0.94999999999999996\n{}",
                  seed, seed, 100 + seed, method, method == "softmatch" ? "decay = 0.9\n" : ""));
  return run;
}

std::vector<RunFolder> grid(const TemporaryFolder& root) {
  return {make_run(root, "fixmatch", 0, 0.80), make_run(root, "fixmatch", 1, 0.82), make_run(root, "fixmatch", 2, 0.84),
          make_run(root, "softmatch", 0, 0.9)};
}

std::size_t widest(const std::string& text) {
  std::size_t most = 0;
  for (const auto& line : split_text(text, '\n')) most = std::max(most, columns(line));
  return most;
}

TEST(Compare, RunsThatDifferInSeedAloneAreOneGroup) {
  const TemporaryFolder root;
  const Json groups = compare_json(grid(root))["groups"];
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0]["runs"].size(), 3u);
  EXPECT_EQ(groups[0]["settings"], (Json{{"method.name", "fixmatch"}})) << "decay follows from the method";
  EXPECT_NEAR(groups[0]["figures"]["accuracy"]["mean"].get<double>(), 0.82, 1e-12);
  EXPECT_NEAR(groups[0]["figures"]["accuracy"]["sd"].get<double>(), 0.02, 1e-12) << "n - 1 below the line";
  EXPECT_TRUE(groups[1]["figures"]["accuracy"]["sd"].is_null());
  EXPECT_FALSE(groups[0]["figures"].contains("seed"));
  EXPECT_FALSE(groups[0]["figures"].contains("classes"));
}

TEST(Compare, AnotherSettingIsAnotherGroup) {
  const TemporaryFolder root;
  auto runs = grid(root);
  put(runs[1].plan(), "seed = 1\n[train]\nsteps = 101\n");  // no budget: the steps are a setting
  put(runs[2].plan(), "seed = 2\n[train]\nsteps = 102\n");
  EXPECT_EQ(compare_json(runs)["groups"].size(), 4u);
  std::filesystem::remove(runs[1].plan());
  std::filesystem::remove(runs[2].plan());
  EXPECT_EQ(compare_json(runs)["groups"].size(), 4u) << "nothing is known of them";
}

TEST(Compare, TextEndsInMeansAndNumbersAreShort) {
  const TemporaryFolder root;
  auto runs = grid(root);
  const std::string text = compare_text(compare_json(runs), 80);
  EXPECT_LE(widest(text), 80u);
  EXPECT_THAT(text, HasSubstr("mean ± sd over seeds"));
  EXPECT_THAT(text, HasSubstr("0.820 ± 0.020"));
  EXPECT_THAT(text, Not(HasSubstr("0.9499")));
  runs.erase(runs.begin(), runs.begin() + 2);
  EXPECT_THAT(compare_text(compare_json(runs), 80), Not(HasSubstr("mean"))) << "one run each has no spread";
}

TEST(Compare, FiguresThatDifferNeverLookAlike) {
  const TemporaryFolder root;
  const std::vector<RunFolder> runs = {make_run(root, "fixmatch", 0, 0.812345),
                                       make_run(root, "fixmatch", 1, 0.812346)};
  const std::string text = compare_text(compare_json(runs), 80);
  EXPECT_THAT(text, HasSubstr("0.81234 "));  // four digits would make 0.8123 of both
  EXPECT_THAT(text, HasSubstr("0.81235\n"));
}

TEST(Compare, CsvHasAFieldForEveryColumn) {
  const TemporaryFolder root;
  auto runs = grid(root);
  put(runs[0].plan(), "seed = 0\n[data]\nclasses = \"cat,dog\"\n");
  const auto lines = split_text(trim(compare_csv(compare_json(runs))), '\n');
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[0], ::testing::StartsWith("run,group,accuracy,"));
  EXPECT_THAT(lines[1], HasSubstr("\"cat,dog\""));
  EXPECT_THAT(lines[2], HasSubstr("fixmatch-seed-1,"));
  const auto fields = [](const std::string& line) { return split_text(line, ',').size(); };
  for (std::size_t i = 2; i < lines.size(); ++i) EXPECT_EQ(fields(lines[i]), fields(lines[0])) << lines[i];
}

TEST(Compare, MarkdownHasRunsAndGroups) {
  const TemporaryFolder root;
  const std::string text = compare_markdown(compare_json(grid(root)));
  EXPECT_THAT(text, HasSubstr("| fixmatch-seed-0 |"));
  EXPECT_THAT(text, HasSubstr("| method.name=fixmatch | 3 | 0.820 ± 0.020 |"));
  std::size_t bars = 0;
  for (const auto& line : split_text(text.substr(0, text.find("\n\n")), '\n')) {
    const auto count = static_cast<std::size_t>(std::count(line.begin(), line.end(), '|'));
    EXPECT_EQ(count, bars ? bars : count) << line;
    bars = count;
  }
}

TEST(TextTable, FoldsInBlocksAndLosesNothing) {
  Rows rows = {{"key"}, {"policy"}, {"same"}};
  for (int i = 0; i < 9; ++i) {
    rows[0].push_back(fmt::format("a-run-with-a-rather-long-name-{}", i));
    rows[1].push_back(fmt::format("flip + crop(pad=4, mode=reflect) + number {}", i));
    rows[2].push_back("x");
  }
  for (const std::size_t width : {40u, 60u, 80u, 100u}) {
    const std::string text = folded_table(rows, width);
    EXPECT_LE(widest(text), width);
    for (int i = 0; i < 9; ++i) EXPECT_THAT(text, HasSubstr(std::to_string(i)));
    EXPECT_EQ(text.find("…"), std::string::npos);
  }
  EXPECT_EQ(split_text(folded_table(rows, 0), '\n').size(), 4u) << "whole for a file";
}

TEST(TextTable, CellsFoldBetweenWordsElseAtSigns) {
  EXPECT_THAT(folded_cell("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(folded_cell("runs/photos-freematch", 14), ElementsAre("runs/photos-", "freematch"));
  EXPECT_THAT(folded_cell("ééééé", 2), ElementsAre("éé", "éé", "é"));
  EXPECT_THAT(folded_cell("", 8), ElementsAre(""));
}

}  // namespace
}  // namespace fewlabel
