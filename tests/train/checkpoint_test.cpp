#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include <fstream>

#include "core/files.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "helpers.h"
#include "train/folders.h"
#include "train/manifest.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

Checkpoint sample(int64_t step) {
  Checkpoint all;
  all.model = {{"net.weight", torch::full({4, 3}, static_cast<double>(step))}, {"count", torch::tensor(step)}};
  all.optimizer = {{"model:net.weight/momentum", torch::rand({4, 3})}};
  all.average = {{"net.weight", torch::rand({4, 3})}};
  all.state = {{"step", step}, {"loss", 0.1}};
  return all;
}

// Overwrites in place, as a disk would.
void put(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(Checkpoint, RoundTrip) {
  const TemporaryFolder folder;
  const CheckpointStore store(folder.path(), 2);
  const Checkpoint before = sample(7);
  const fs::path path = store.save(7, before);
  EXPECT_EQ(path.filename(), "step-7");
  EXPECT_EQ(fs::read_symlink(folder.path() / "last"), "step-7");
  const auto found = store.newest();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->skipped.empty());
  EXPECT_EQ(found->checkpoint.state, before.state);
  for (const auto& [name, tensor] : before.optimizer)
    EXPECT_TRUE(torch::equal(found->checkpoint.optimizer.at(name), tensor));
  EXPECT_EQ(found->checkpoint.model.at("count").item<int64_t>(), 7);
}

TEST(Checkpoint, NoneIsNotAnError) {
  const TemporaryFolder folder;
  EXPECT_FALSE(CheckpointStore(folder.path(), 2).newest());
}

TEST(Checkpoint, KeepsTheNewestByNumber) {
  const TemporaryFolder folder;
  const CheckpointStore store(folder.path(), 2);
  for (const int64_t step : {9, 10, 100}) store.save(step, sample(step));
  EXPECT_THAT(store.steps(), ElementsAre(100, 10));
}

TEST(Checkpoint, TheSameStepMayBeSavedAgain) {
  const TemporaryFolder folder;
  const CheckpointStore store(folder.path(), 2);
  store.save(5, sample(5));
  store.save(5, sample(6));
  EXPECT_THAT(store.steps(), ElementsAre(5));
  EXPECT_EQ(store.newest()->checkpoint.model.at("count").item<int64_t>(), 6);
}

TEST(Checkpoint, WhatAKilledSaveLeftIsIgnoredAndRemoved) {
  const TemporaryFolder folder;
  const CheckpointStore first(folder.path(), 2);
  first.save(3, sample(3));
  fs::copy(folder.path() / "step-3", folder.path() / "step-9.tmp-123");
  EXPECT_THAT(first.steps(), ElementsAre(3));
  const CheckpointStore second(folder.path(), 2);
  EXPECT_FALSE(fs::exists(folder.path() / "step-9.tmp-123"));
  EXPECT_EQ(second.newest()->path.filename(), "step-3");
}

TEST(Checkpoint, WalksBackAndSaysWhatItSkipped) {
  const TemporaryFolder folder;
  const CheckpointStore store(folder.path(), 3);
  for (const int64_t step : {1, 2, 3}) store.save(step, sample(step));
  fs::remove(folder.path() / "step-3" / "average.safetensors");
  std::string bytes = read_file(folder.path() / "step-2" / "model.safetensors");
  bytes[bytes.size() - 1] ^= 1;
  put(folder.path() / "step-2" / "model.safetensors", bytes);
  const auto found = store.newest();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path.filename(), "step-1");
  EXPECT_THAT(found->skipped, ElementsAre(HasSubstr("step-3/average.safetensors"),
                                          HasSubstr("the tensor 'net.weight' does not match its hash")));
}

TEST(Checkpoint, AllDamagedIsAnError) {
  const TemporaryFolder folder;
  const CheckpointStore store(folder.path(), 2);
  store.save(1, sample(1));
  put(folder.path() / "step-1" / "MANIFEST.json", "{}");
  EXPECT_EQ(error_of([&] { store.newest(); }).kind(), ErrorKind::storage);
}

TEST(Checkpoint, EveryFlippedBitIsFoundAndItsFileNamed) {
  const TemporaryFolder folder;
  const CheckpointStore store(folder.path(), 2);
  const fs::path path = store.save(1, sample(1));
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(path)) files[entry.path().filename()] = read_file(entry.path());
  ASSERT_EQ(files.size(), 5U);
  Random random({0, "flips"});
  int missed = 0, unnamed = 0;
  const auto flip = [&](const std::string& name, std::size_t byte, unsigned bit) {
    std::string bytes = files.at(name);
    bytes[byte] = static_cast<char>(bytes[byte] ^ static_cast<char>(1U << bit));
    put(path / name, bytes);
    try {
      read_checkpoint(path);
      ++missed;
    } catch (const Error& error) {
      unnamed += error.where() != (path / name).string() || error.kind() != ErrorKind::storage;
    }
    put(path / name, files.at(name));
  };
  for (const auto& [name, bytes] : files)
    for (int i = 0; i < 200; ++i) flip(name, random.below(static_cast<uint32_t>(bytes.size())), random.below(8));
  for (std::size_t byte = 0; byte < files.at("MANIFEST.json").size(); ++byte) flip("MANIFEST.json", byte, 5);  // case
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(unnamed, 0);
  EXPECT_NO_THROW(read_checkpoint(path));
}

TEST(Checkpoint, AFailedSaveLeavesTheOldOneAndNoRubbish) {
  const TemporaryFolder folder;
  const CheckpointStore store(folder.path(), 2);
  store.save(1, sample(1));
  Checkpoint unsavable = sample(2);
  unsavable.average["bad"] = torch::zeros({2}, at::kComplexFloat);
  EXPECT_THROW(store.save(2, unsavable), Error);
  EXPECT_EQ(store.newest()->path.filename(), "step-1");
  for (const auto& entry : fs::directory_iterator(folder.path()))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("tmp")));
}

TEST(Folders, RefusesWhatDoesNotFitOnTheDisk) {
  const TemporaryFolder folder;
  write_folder(folder.path() / "model", Durability::durable, 10,
               [](const fs::path& into) { write_file(into / "a", "old", Durability::atomic); });
  const Error error = error_of([&] {
    write_folder(folder.path() / "model", Durability::durable, int64_t{1} << 60,
                 [](const fs::path&) { FAIL() << "must not be called"; });
  });
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.message(), HasSubstr("left"));
  EXPECT_EQ(read_file(folder.path() / "model" / "a"), "old");
}

TEST(Folders, LeaveTheOldOneWhenFillingFails) {
  const TemporaryFolder folder;
  const auto fill_with = [&](const std::string& text) {
    write_folder(folder.path() / "out", Durability::atomic, 0, [&](const fs::path& into) {
      write_file(into / "a", text, Durability::atomic);
      if (text == "half") throw Error(ErrorKind::interrupted, "test", "stopped");
    });
  };
  EXPECT_EQ(error_of([&] { fill_with("half"); }).kind(), ErrorKind::interrupted);
  EXPECT_TRUE(fs::is_empty(folder.path()));
  fill_with("old");
  EXPECT_EQ(error_of([&] { fill_with("half"); }).kind(), ErrorKind::interrupted);
  EXPECT_EQ(read_file(folder.path() / "out/a"), "old");
  fill_with("new");
  EXPECT_EQ(read_file(folder.path() / "out/a"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Manifest, RefusesAnythingButItsOwnBytes) {
  const std::string good = format_manifest({{"a", {3, std::string(32, '0'), {{"t", std::string(32, '1')}}}}});
  EXPECT_EQ(parse_manifest(good, "m").at("a").size, 3);
  for (const std::string& bad :
       {std::string(), good + "\n", good.substr(1), " " + good, good.substr(0, good.size() - 1)})
    EXPECT_THROW(parse_manifest(bad, "m"), Error);
}

}  // namespace
}  // namespace fewlabel
