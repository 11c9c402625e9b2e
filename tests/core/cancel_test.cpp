#include "core/cancel.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace fewlabel {
namespace {

TEST(Cancel, TheFirstSignalIsOnlyARequest) {
  watch_signals();
  EXPECT_FALSE(cancelled());
  raise(SIGTERM);
  EXPECT_EQ(cancelled(), ErrorKind::terminated);
  clear_cancel();
  raise(SIGINT);
  EXPECT_EQ(cancelled(), ErrorKind::interrupted);
  clear_cancel();
}

TEST(Cancel, AClosedTerminalSaysSoTwice) {
  watch_signals();
  raise(SIGHUP);
  raise(SIGHUP);
  EXPECT_EQ(cancelled(), ErrorKind::terminated);
  clear_cancel();
}

TEST(Cancel, ObeysNohup) {
  signal(SIGHUP, SIG_IGN);
  watch_signals();
  raise(SIGHUP);
  EXPECT_FALSE(cancelled());
  signal(SIGHUP, SIG_DFL);
}

TEST(CancelDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        watch_signals();
        raise(SIGINT);
        raise(SIGINT);
      },
      ::testing::ExitedWithCode(130), "");
}

TEST(Errors, KindsHaveTheDocumentedExitCodes) {
  EXPECT_EQ(exit_code(ErrorKind::failure), 1);
  EXPECT_EQ(exit_code(ErrorKind::usage), 2);
  EXPECT_EQ(exit_code(ErrorKind::data), 3);
  EXPECT_EQ(exit_code(ErrorKind::diverged), 4);
  EXPECT_EQ(exit_code(ErrorKind::memory), 5);
  EXPECT_EQ(exit_code(ErrorKind::storage), 6);
  EXPECT_EQ(exit_code(ErrorKind::interrupted), 130);
  EXPECT_EQ(exit_code(ErrorKind::terminated), 143);
}

}  // namespace
}  // namespace fewlabel
