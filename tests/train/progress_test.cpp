#include "train/progress.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "helpers.h"
#include "train/batches.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

ProgressState half_way() { return {"freematch", {1200, 5000, 1310.4, 125}, 0.5321, 0.83, true, true}; }

TEST(Progress, LineSaysItAllInEightyColumns) {
  const std::string line = progress_line(half_way(), 200);
  for (const char* part : {"freematch", "1,200/5,000", "[#####---------------]", "loss 0.532", "kept 83 %",
                           "1,310 ex/s", "2 min 05 s left"})
    EXPECT_THAT(line, HasSubstr(part));
  for (int columns = 0; columns <= 120; ++columns)
    EXPECT_LE(static_cast<int>(progress_line(half_way(), columns).size()), std::max(columns, 1));
}

TEST(Progress, NarrowLinesEndInWholeFigures) {
  EXPECT_EQ(progress_line(half_way(), 80), "freematch  1,200/5,000 loss 0.532  kept 83 %  1,310 ex/s  2 min 05 s left");
  EXPECT_EQ(progress_line(half_way(), 60), "freematch  1,200/5,000 loss 0.532  2 min 05 s left");
  EXPECT_EQ(progress_line(half_way(), 45), "freematch  1,200/5,000  2 min 05 s left");
}

std::string shown(ProgressMode mode) {
  const TemporaryFolder folder;
  std::FILE* out = std::fopen((folder / "out").c_str(), "w");
  {
    Progress progress(mode, out);
    progress.begin("toy");
    progress.step({1, 2, 10, 5});
    progress.log({1, 2, {{"loss", 0.25}}, {{"seconds", 1}}});
    progress.say("hello");
    progress.step({2, 2, 10, 0});
    progress.end();
  }
  std::fclose(out);
  return read_file(folder / "out");
}

TEST(Progress, WithoutATerminalThereAreNoEscapes) {
  for (const ProgressMode mode : {ProgressMode::bar, ProgressMode::plain}) {
    const std::string text = shown(mode);
    EXPECT_THAT(text, Not(HasSubstr("\033")));
    EXPECT_THAT(text, HasSubstr("hello\n"));
    EXPECT_THAT(text, HasSubstr("2/2"));
    EXPECT_THAT(text, HasSubstr("loss 0.250"));
  }
}

TEST(Progress, JsonLinesParse) {
  std::istringstream lines(shown(ProgressMode::json));
  std::vector<Json> all;
  for (std::string line; std::getline(lines, line);) all.push_back(Json::parse(line));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["values"]["loss"], 0.25);
  EXPECT_EQ(all[1]["text"], "hello");
}

TEST(Progress, QuietSaysNothing) { EXPECT_EQ(shown(ProgressMode::none), ""); }

TEST(Machine, ObeysTheControlGroupAndItsParents) {
  const TemporaryFolder root;
  std::filesystem::create_directories(root.path() / "a/b");
  std::filesystem::create_directories(root.path() / "cpu/docker");
  write_file(root / "proc", "0::/a/b\n", Durability::atomic);
  write_file(root / "proc1", "4:cpu,cpuacct:/docker\n5:memory:/x\n", Durability::atomic);
  EXPECT_EQ(cgroup_processors(root / "proc", root.path()), 0);
  write_file(root / "a/b/cpu.max", "max 100000\n", Durability::atomic);
  EXPECT_EQ(cgroup_processors(root / "proc", root.path()), 0);
  write_file(root / "a/cpu.max", "150000 100000\n", Durability::atomic);
  EXPECT_EQ(cgroup_processors(root / "proc", root.path()), 1.5);
  write_file(root / "cpu/docker/cpu.cfs_quota_us", "300000\n", Durability::atomic);
  write_file(root / "cpu/docker/cpu.cfs_period_us", "100000\n", Durability::atomic);
  EXPECT_EQ(cgroup_processors(root / "proc1", root.path()), 3);
  EXPECT_GE(usable_threads(), 1);
}

TEST(Batches, NormalisesIntoChannelsLast) {
  RawBatch raw;
  raw.labeled.views = {{0, 255, 51, 102, 0, 255, 10, 20, 30, 40, 50, 60}};  // 1 image of 2 × 2 × 3
  raw.labeled.index = {5};
  raw.labeled.label = {2};
  const Normalization rule{ImageShape{2, 2, 3}, {0.5F, 0.25F, 0}, {0.5F, 1, 2}};
  const Batch batch = BatchMover(rule, at::kCPU).batch(raw);
  const Tensor& x = batch.labeled.x.at(0);
  EXPECT_EQ(x.sizes(), (std::vector<int64_t>{1, 3, 2, 2}));
  EXPECT_TRUE(x.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_FLOAT_EQ(x[0][0][0][0].item<float>(), -1);
  EXPECT_FLOAT_EQ(x[0][1][0][0].item<float>(), 0.75F);
  EXPECT_FLOAT_EQ(x[0][2][0][1].item<float>(), 0.5F);
  EXPECT_EQ(batch.labeled.y.item<int64_t>(), 2);
  EXPECT_EQ(batch.labeled.index.item<int64_t>(), 5);
  EXPECT_TRUE(batch.unlabeled.x.empty());
}

}  // namespace
}  // namespace fewlabel
