#include "core/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <thread>

#include "core/hash.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(Files, WriteReplacesAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "old", Durability::atomic);
  write_file(folder / "a.txt", "new", Durability::atomic);
  EXPECT_EQ(read_file(folder / "a.txt"), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, FullDiskKeepsTheOldContentAndSaysSo) {
  const auto error = error_of([] { write_file("/dev/full/x", "data", Durability::atomic); });
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.message(), HasSubstr("cannot write"));
}

TEST(Files, ScratchThatCannotBeWrittenIsNoError) {
  EXPECT_NO_THROW(write_file("/nowhere/at/all", "data", Durability::scratch));
  const TemporaryFolder folder;
  write_file(folder / "a", "data", Durability::scratch);
  EXPECT_EQ(read_file(folder / "a"), "data");
}

TEST(Artifact, LeavesTheOldFileUntilItIsFinished) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old", Durability::durable);
  std::filesystem::permissions(folder / "a", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  {
    Artifact half(folder / "a", Durability::atomic);
    half.write("new");
    EXPECT_EQ(read_file(folder / "a"), "old");
  }
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "half a file was left";
  Artifact whole(folder / "a", Durability::atomic);
  whole.write("ne");
  whole.write("w");
  whole.finish();
  EXPECT_EQ(read_file(folder / "a"), "new");
  EXPECT_EQ(std::filesystem::status(folder / "a").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Artifact, ReplacesWhatALinkPointsToAndKeepsTheLink) {
  const TemporaryFolder folder;
  write_file(folder / "real", "old", Durability::atomic);
  std::filesystem::create_directory(folder / "in");
  std::filesystem::create_symlink("../real", folder / "in/first");
  std::filesystem::create_symlink(folder / "in/first", folder / "second");
  std::filesystem::create_symlink("yet to come", folder / "dangling");
  std::filesystem::create_symlink("circle", folder / "circle");
  write_file(folder / "second", "new", Durability::durable);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "second"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "in/first"));
  EXPECT_FALSE(std::filesystem::is_symlink(folder / "real"));
  EXPECT_EQ(read_file(folder / "real"), "new");
  write_file(folder / "dangling", "there", Durability::atomic);
  EXPECT_EQ(read_file(folder / "yet to come"), "there");
  const auto write = [&](const std::string& path) {
    return error_of([&] { write_file(path, "x", Durability::atomic); }).message();
  };
  EXPECT_THAT(write(folder / "circle"), HasSubstr("symbolic links"));
  EXPECT_THAT(write(folder / "in"), HasSubstr("Is a directory"));
}

TEST(Artifact, WritesThroughDevicesAndPipes) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/null", folder / "null");
  write_file(folder / "null", "gone", Durability::durable);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "null"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_THAT(error_of([] { write_file("/dev/full", "x", Durability::atomic); }).message(), HasSubstr("No space left"));

  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::string got;
  std::jthread reader([&] { got = read_file(folder / "pipe"); });
  write_file(folder / "pipe", "through", Durability::atomic);
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
}

TEST(Artifact, GoesOnWhereAnOpenDescriptorStands) {
  const TemporaryFolder folder;
  const int file = ::open((folder / "log").c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::write(file, "before ", 7), 7);
  write_file("/dev/fd/" + std::to_string(file), "after", Durability::atomic);
  write_file("/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file), " all", Durability::atomic);
  ::close(file);
  EXPECT_EQ(read_file(folder / "log"), "before after all");
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  write_file("/dev/fd/" + std::to_string(ends[1]), "piped", Durability::atomic);
  std::array<char, 5> piped{};
  ASSERT_EQ(::read(ends[0], piped.data(), piped.size()), 5);
  EXPECT_EQ(std::string(piped.data(), piped.size()), "piped");
  for (const int end : ends) ::close(end);
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
  write_file(folder / "a", content, Durability::atomic);
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
  write_file(folder / "a", "content", Durability::atomic);
  EXPECT_EQ(hash_file(folder / "a"), hash_bytes("content", 7));
}

}  // namespace
}  // namespace fewlabel
