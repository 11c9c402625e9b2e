#include "report/metric_log.h"

#include <gmock/gmock.h>

#include <limits>
#include <regex>

#include "core/files.h"
#include "helpers.h"
#include "report/tensorboard.h"

namespace fewlabel {
namespace {
namespace fs = std::filesystem;
using testing::put;
using testing::TemporaryFolder;

struct MetricLogTest : ::testing::Test {
  TemporaryFolder root;
  RunFolder run = RunFolder::create(root / "a");

  fs::path events() {
    for (const auto& entry : fs::directory_iterator(run.path()))
      if (entry.path().filename().string().starts_with("events.")) return entry.path();
    return {};
  }
};

TEST_F(MetricLogTest, WritesWhatItReads) {
  MetricLog log(run);
  log.add({.step = 50, .seconds = 1.25, .values = {{"loss/s", 0.5}, {"lr", 3e-5}}});
  log.add({.step = 100, .seconds = 2.5, .values = {{"loss/s", 0.25}}});
  EXPECT_EQ(read_file(run.metrics()),
            "{\"step\": 50, \"seconds\": 1.250, \"loss/s\": 0.5, \"lr\": 3e-05}\n"
            "{\"step\": 100, \"seconds\": 2.500, \"loss/s\": 0.25}\n");
  const auto lines = read_metrics(run);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].step, 50);
  EXPECT_EQ(lines[0].seconds, 1.25);
  EXPECT_EQ(lines[0].values, (Metrics{{"loss/s", 0.5}, {"lr", 3e-5}}));
}

TEST_F(MetricLogTest, WritesNotANumberAsNullAndEscapesNames) {
  MetricLog log(run);
  log.add({.step = 1,
           .values = {{"a\"\n\xff", 1}, {"nan", std::nan("")}, {"inf", std::numeric_limits<double>::infinity()}}});
  const auto lines = read_metrics(run);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].values.size(), 1u);
}

TEST_F(MetricLogTest, ReaderIgnoresACutLastLine) {
  {
    MetricLog log(run);
    for (int step = 1; step <= 3; ++step) log.add({.step = step, .values = {{"x", step * 1.0}}});
  }
  const std::string whole = read_file(run.metrics());
  for (std::size_t cut = 1; cut < 20; ++cut) {
    put(run.metrics(), whole.substr(0, whole.size() - cut));
    EXPECT_EQ(read_metrics(run).size(), 2u) << "cut by " << cut;
  }
}

TEST_F(MetricLogTest, AResumedFileEqualsOneNeverStopped) {
  const auto line = [](int64_t step) {
    return MetricLine{.step = step, .seconds = 0.1 * static_cast<double>(step), .values = {{"x", 1.0 / double(step)}}};
  };
  auto other = RunFolder::create(root / "never-stopped");
  {
    MetricLog log(other);
    for (int step = 1; step <= 9; ++step) log.add(line(step));
  }
  {
    MetricLog log(run);
    for (int step = 1; step <= 6; ++step) log.add(line(step));
  }
  put(run.metrics(), read_file(run.metrics()) + "{\"step\": 7, \"sec");  // killed while writing
  {
    MetricLog log(run);
    log.truncate_after(4);
    for (int step = 5; step <= 9; ++step) log.add(line(step));
  }
  EXPECT_EQ(read_file(run.metrics()), read_file(other.metrics()));
}

TEST_F(MetricLogTest, EventsFollowOnResume) {
  {
    MetricLog log(run);
    for (int step = 1; step <= 6; ++step) log.add({.step = step, .values = {{"x", 1.0}}});
  }
  const fs::path file = events();
  const auto whole = read_file(file);
  put(file, whole.substr(0, whole.size() - 5));
  {
    MetricLog log(run);
    log.truncate_after(4);
  }
  EXPECT_EQ(events(), file) << "a resumed run goes on with the same events file";
  const std::string header = tfevents_header(0), event = tfevents_scalars(0, 1, {{"x", 1.0}});
  EXPECT_EQ(read_file(file).size(), header.size() + 4 * event.size());
  {
    MetricLog log(run);
    log.add({.step = 5, .values = {{"x", 1.0}}});
  }
  EXPECT_EQ(read_file(file).size(), header.size() + 5 * event.size());
}

TEST_F(MetricLogTest, AMissingFileGivesNoLines) { EXPECT_TRUE(read_metrics(run).empty()); }

}  // namespace
}  // namespace fewlabel
