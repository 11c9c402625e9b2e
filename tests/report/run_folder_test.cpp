#include <gmock/gmock.h>

#include <thread>

#include "core/files.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "helpers.h"
#include "report/heartbeat.h"

namespace fewlabel {
namespace {
namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using testing::put;
using testing::TemporaryFolder;

RunStatus at_step(int64_t step, RunState state = RunState::running) {
  RunStatus status;
  status.state = state;
  status.step = step;
  return status;
}

TEST(RunFolder, RefusesToReplaceARunAndSaysWhatToDo) {
  TemporaryFolder root;
  {
    auto run = RunFolder::create(root / "a");
    run.write_status(at_step(3));
    put(run.path() / "stages.json", "{}");
  }
  const Error error = error_of([&] { RunFolder::create(root / "a"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), ::testing::AllOf(HasSubstr("--resume"), HasSubstr("--overwrite")));
}

TEST(RunFolder, ReplacesARunWhoseTrainingNeverBegan) {
  TemporaryFolder root;
  RunFolder::create(root / "a").write_status(at_step(0, RunState::failed));
  auto run = RunFolder::create(root / "a");
  EXPECT_FALSE(fs::exists(run.status_file()));
}

TEST(RunFolder, CheckRefusesWithoutTouchingAnything) {
  TemporaryFolder root;
  put(root / "a/config.toml", "seed = 1\n");
  put(root / "a/stages.json", "{}");
  EXPECT_EQ(error_of([&] { RunFolder::check(root / "a"); }).kind(), ErrorKind::usage);
  EXPECT_NO_THROW(RunFolder::check(root / "a", Existing::overwrite));
  EXPECT_NO_THROW(RunFolder::check(root / "b"));
  EXPECT_TRUE(fs::exists(root / "a/stages.json"));
  EXPECT_FALSE(fs::exists(root / "b"));
}

TEST(RunFolder, OverwriteRemovesTheRunAndNothingElse) {
  TemporaryFolder root;
  {
    auto run = RunFolder::create(root / "a");
    run.write_status(at_step(3));
    put(run.metrics(), "{}\n");
    put(run.checkpoints() / "step-000001" / "state.json", "{}");
    put(run.path() / "notes.txt", "mine");
    put(run.path() / "stage-notes.txt", "mine, too");
    put(run.path() / "stages" / "pretrain-1" / "plan.toml", "");
    put(run.path() / "status.json.tmp-123", "");
    put(root / "kept/weights", "w");
    fs::create_directory_symlink(root / "kept", run.model());
  }
  auto run = RunFolder::create(root / "a" + "/", Existing::overwrite);
  EXPECT_FALSE(fs::exists(run.metrics()));
  EXPECT_FALSE(fs::exists(run.status_file()));
  EXPECT_TRUE(fs::is_empty(run.checkpoints()));
  EXPECT_FALSE(fs::exists(run.model()));
  EXPECT_TRUE(fs::exists(root / "kept/weights")) << "what a link points to is not ours";
  EXPECT_TRUE(fs::exists(run.path() / "notes.txt"));
  EXPECT_TRUE(fs::exists(run.path() / "stage-notes.txt"));
  EXPECT_FALSE(fs::exists(run.path() / "stages"));
  EXPECT_FALSE(fs::exists(run.path() / "status.json.tmp-123"));
}

TEST(RunFolder, NeverOverwritesAFolderThatHoldsNoRun) {
  TemporaryFolder root;
  put(root / "home/thesis.tex", "years of work");
  const Error error = error_of([&] { RunFolder::create(root / "home", Existing::overwrite); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_TRUE(fs::exists(root / "home/thesis.tex"));
  EXPECT_FALSE(fs::exists(root / "home/.lock"));
}

TEST(RunFolder, TakesAnEmptyFolderButNotAFile) {
  TemporaryFolder root;
  fs::create_directory(root / "empty");
  EXPECT_NO_THROW(RunFolder::create(root / "empty"));
  EXPECT_NO_THROW(RunFolder::create(root / "empty")) << "only .lock and an empty checkpoints/ are in it";
  put(root / "file", "");
  EXPECT_EQ(error_of([&] { RunFolder::create(root / "file"); }).kind(), ErrorKind::usage);
}

TEST(RunFolder, IsLockedWhileItIsHeld) {
  TemporaryFolder root;
  auto run = RunFolder::create(root / "a");
  run.write_status(at_step(0));
  const Error error = error_of([&] { RunFolder::resume(root / "a"); });
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.message(), HasSubstr("in use"));
  EXPECT_EQ(error_of([&] { RunFolder::create(root / "a", Existing::overwrite); }).kind(), ErrorKind::storage);
  EXPECT_TRUE(fs::exists(run.status_file())) << "a locked run must not be emptied";
  EXPECT_NO_THROW(RunFolder::open(root / "a"));
}

TEST(RunFolder, ResumesAfterTheLockIsFree) {
  TemporaryFolder root;
  RunFolder::create(root / "a").write_status(at_step(7));
  EXPECT_EQ(RunFolder::resume(root / "a").status().step, 7);
}

TEST(RunFolder, NamesNearbyRunsWhenThereIsNone) {
  TemporaryFolder root;
  RunFolder::create(root / "fashion").write_status(at_step(0));
  const Error error = error_of([&] { RunFolder::open(root / "fashio"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("fashion"));
}

TEST(RunFolder, KeepsTheStartAcrossSessions) {
  TemporaryFolder root;
  {
    auto run = RunFolder::create(root / "a");
    run.write_status(at_step(1));
    Json status = run.read_json(run.status_file());
    status["started"] = "2020-01-01T00:00:00Z";
    run.write_json(run.status_file(), status);
  }
  auto run = RunFolder::resume(root / "a");
  run.write_status(at_step(2, RunState::finished));
  EXPECT_EQ(run.status().started, "2020-01-01T00:00:00Z");
  EXPECT_EQ(run.status().state, RunState::finished);
  EXPECT_GT(run.status().heartbeat, "2026");
}

TEST(RunFolder, CallsARunInterruptedWhenNobodyHoldsItsLock) {
  TemporaryFolder root;
  {
    auto run = RunFolder::create(root / "a");
    run.write_status(at_step(5));
    EXPECT_EQ(run.status().state, RunState::running);
    EXPECT_EQ(RunFolder::open(root / "a").status().state, RunState::running);
  }
  const auto run = RunFolder::open(root / "a");
  Json status = run.read_json(run.status_file());
  status["pid"] = 1;  // another process has got the number since, and lives
  run.write_json(run.status_file(), status);
  EXPECT_EQ(run.status().state, RunState::interrupted);
  put(run.status_file(), "{\"state\": \"runn");
  EXPECT_EQ(run.status().state, RunState::interrupted);
  EXPECT_EQ(run.status().step, 0);
}

TEST(RunFolder, CallsARunOfAnotherMachineInterruptedWhenItsHeartStopped) {
  TemporaryFolder root;
  RunFolder::create(root / "a").write_status(at_step(5));
  const auto run = RunFolder::open(root / "a");
  Json status = run.read_json(run.status_file());
  const auto state = [&](const std::string& heartbeat) {
    status["host"] = "a container that is gone";
    status["heartbeat"] = heartbeat;
    run.write_json(run.status_file(), status);
    return run.status().state;
  };
  EXPECT_EQ(state(utc_now()), RunState::running) << "locks may not reach from machine to machine";
  EXPECT_EQ(state("2001-01-01T00:00:00Z"), RunState::interrupted);
  EXPECT_EQ(state("yesterday"), RunState::interrupted);
  const auto locked = RunFolder::resume(root / "a");
  EXPECT_EQ(state("2001-01-01T00:00:00Z"), RunState::running) << "it holds the lock";
}

void wait_for(const std::string& file) {
  while (!fs::exists(file)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(Heartbeat, GoesOnWhileTheRunLivesAndNoLonger) {
  TemporaryFolder root;
  Heartbeat heartbeat(root / "status.json", std::chrono::milliseconds(2));
  heartbeat.write({{"state", "running"}, {"step", 3}});
  for (int beat = 0; beat < 3; ++beat) {
    fs::remove(root / "status.json");
    wait_for(root / "status.json");
  }
  EXPECT_EQ(Json::parse(read_file(root / "status.json")).at("step"), 3);
  EXPECT_LT(seconds_since(Json::parse(read_file(root / "status.json")).at("heartbeat")), 60);
  heartbeat.write({{"state", "finished"}});
  fs::remove(root / "status.json");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(fs::exists(root / "status.json")) << "it beats after the end";
}

TEST(Heartbeat, ThatCannotBeWrittenEndsNoRun) {
  TemporaryFolder root;
  fs::create_directory(root / "run");
  Heartbeat heartbeat(root / "run/status.json");
  heartbeat.write({{"state", "running"}});
  fs::remove_all(root / "run");
  EXPECT_NO_THROW(heartbeat.write({{"state", "running"}}));
  EXPECT_EQ(error_of([&] { heartbeat.write({{"state", "finished"}}); }).kind(), ErrorKind::storage);
}

TEST(RunFolder, ReadsHostileJsonAsNull) {
  TemporaryFolder root;
  auto run = RunFolder::create(root / "a");
  put(run.summary(), std::string(100'000, '[') + std::string(100'000, ']'));
  EXPECT_TRUE(run.read_json(run.summary()).is_null());
  put(run.summary(), "{\"a\": ");
  EXPECT_TRUE(run.read_json(run.summary()).is_null());
  EXPECT_TRUE(run.read_json(run.path()).is_null());
  run.write_json(run.summary(), {{"name", "\xff.png"}});  // a file name that is not UTF-8
  EXPECT_TRUE(run.read_json(run.summary()).is_object());
}

TEST(RunFolder, FindsAFreeName) {
  TemporaryFolder root;
  EXPECT_EQ(free_run_path(root.path(), "my photos@100:seed=0").filename(), "my-photos-100-seed-0");
  EXPECT_EQ(free_run_path(root.path(), "../..").filename(), "run");
  fs::create_directory(root / "a");
  fs::create_directory(root / "a-2");
  EXPECT_EQ(free_run_path(root.path(), "a").filename(), "a-3");
}

TEST(RunFolder, ListsRunsNewestFirst) {
  TemporaryFolder root;
  for (const char* name : {"old", "new"}) RunFolder::create(root / name).write_status(at_step(0));
  const RunFolder old = RunFolder::open(root / "old");
  Json status = old.read_json(old.status_file());
  status["started"] = "2001-01-01T00:00:00Z";
  old.write_json(old.status_file(), status);
  put(root / "other/readme", "");
  const auto runs = list_runs(root.path());
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].name(), "new");
  EXPECT_EQ(runs[1].name(), "old");
  EXPECT_TRUE(list_runs(root / "absent").empty());
}

}  // namespace
}  // namespace fewlabel
