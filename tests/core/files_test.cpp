#include "core/files.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "core/hash.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(Files, WriteReplacesAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "old");
  write_file(folder / "a.txt", "new");
  EXPECT_EQ(read_file(folder / "a.txt"), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, FullDiskKeepsTheOldContentAndSaysSo) {
  const auto error = error_of([] { write_file("/dev/full/x", "data"); });
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.message(), HasSubstr("cannot write"));
}

TEST(Files, AMissingFileIsNamed) {
  const auto error = error_of([] { read_file("/nowhere/at/all"); });
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_EQ(error.where(), "/nowhere/at/all");
}

TEST(Files, WhatCannotBeReadIsNoEmptyFile) {
  const TemporaryFolder folder;
  const auto refusal = [](const std::string& path) { return error_of([&] { read_file(path); }); };
  EXPECT_EQ(refusal(folder.path()).message(), "cannot read: Is a directory");
  const auto error = refusal("/proc/self/mem");  // opens, but its first page is never there
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.message(), HasSubstr("cannot read"));
}

TEST(Files, AreReadWhole) {
  const TemporaryFolder folder;
  std::string content(300'001, 'x');
  content[65'536] = '\0';
  write_file(folder / "a", content);
  EXPECT_EQ(read_file(folder / "a"), content);
  EXPECT_THAT(read_file("/proc/self/status"), HasSubstr("Pid"));  // says that it holds 0 bytes
}

TEST(FileLock, ASecondProcessIsRefused) {
  const TemporaryFolder folder;
  const FileLock lock(folder / ".lock", "the run");
  const pid_t child = fork();
  if (child == 0) {
    try {
      const FileLock second(folder / ".lock", "the run");
      _exit(0);
    } catch (const Error& error) {
      _exit(error.message() == "the run is in use by another process" ? 42 : 1);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(Hash, ChangesWithEveryBit) {
  std::string text = "the quick brown fox";
  const auto before = hash_bytes(text.data(), text.size());
  EXPECT_EQ(before.size(), 32u);
  text[3] = static_cast<char>(text[3] ^ 1);
  EXPECT_NE(hash_bytes(text.data(), text.size()), before);
}

TEST(Hash, OfAFileEqualsThatOfItsBytes) {
  const TemporaryFolder folder;
  write_file(folder / "a", "content");
  EXPECT_EQ(hash_file(folder / "a"), hash_bytes("content", 7));
}

}  // namespace
}  // namespace fewlabel
