#include "core/work.h"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "core/cancel.h"
#include "core/files.h"
#include "core/work_lines.h"
#include "fewlabel/config.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(Work, StopsWhenItIsToldTo) {
  Work work("counting", 5000);
  work.advance(1200);
  request_cancel(ErrorKind::interrupted);
  const Error from_advance = error_of([&] { work.advance(); });
  EXPECT_EQ(from_advance.kind(), ErrorKind::interrupted);
  EXPECT_STREQ(from_advance.what(), "[counting] stopped after 1,201 of 5,000");
  EXPECT_EQ(error_of([&] { work.check(); }).kind(), ErrorKind::interrupted);
  EXPECT_EQ(error_of([] { stop_if_cancelled("here"); }).where(), "here");
  clear_cancel();
  EXPECT_NO_THROW(work.advance());
}

TEST(Work, TellsItsListenerOnceItTakesLongAndWhenItEnds) {
  std::vector<WorkState> told;
  listen_to_work([&](const WorkState& state) { told.push_back(state); });
  {
    Work work("waiting", 3);
    std::this_thread::sleep_for(std::chrono::milliseconds(1001));
    work.advance(2);
  }
  { const Work quick("quick", 3); }
  listen_to_work({});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].name, "waiting");
  EXPECT_EQ(told[0].done, 2);
  EXPECT_FALSE(told[0].ended);
  EXPECT_TRUE(told[1].ended);
}

TEST(WorkLine, SaysItAllInEightyColumns) {
  const WorkState state{"decoding images", 1200, 5000, 4, false};
  EXPECT_EQ(work_line(state, 200), "decoding images  1,200/5,000 [#####---------------]  300 a second  13 s left");
  EXPECT_EQ(work_line({"fitting", 30, 0, 2, true}, 80), "fitting  30  15 a second  2.0 s");
  for (int columns = 0; columns <= 120; ++columns)
    EXPECT_LE(static_cast<int>(work_line(state, columns).size()), std::max(columns, 1));
}

std::string shown(ProgressMode mode) {
  const TemporaryFolder folder;
  std::FILE* out = std::fopen((folder / "out").c_str(), "w");
  {
    const WorkLines lines(mode, out);
    Work work("waiting", 3);
    std::this_thread::sleep_for(std::chrono::milliseconds(1001));
    work.advance(2);
  }
  std::fclose(out);
  return read_file(folder / "out");
}

TEST(WorkLines, AreLinesJsonOrNothing) {
  const std::string plain = shown(ProgressMode::bar);  // where there is no terminal
  const std::string json = shown(ProgressMode::json);
  EXPECT_THAT(plain, HasSubstr("waiting  2/3 [#############-------]"));
  EXPECT_THAT(plain, ::testing::Not(HasSubstr("\033")));
  const Json first = Json::parse(json.substr(0, json.find('\n')));
  EXPECT_EQ(first.at("event"), "work");
  EXPECT_EQ(first.at("done"), 2);
  EXPECT_EQ(shown(ProgressMode::none), "");
}

}  // namespace
}  // namespace fewlabel
