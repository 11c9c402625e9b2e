#include "eval/learnt.h"

#include <gmock/gmock.h>

#include <fstream>
#include <numeric>

#include "core/files.h"
#include "eval/memory_store.h"
#include "fewlabel/error.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::MemoryStore;
using testing::TemporaryFolder;

TEST(Learnt, IsToldByContentAfterSavingAndLoading) {
  const TemporaryFolder folder;
  const MemoryStore store(6);
  save_learnt(folder.path(), learnt_examples(store, {0, 2}, {3, 4}));
  const auto learnt = load_learnt(folder.path());
  ASSERT_TRUE(learnt);
  const std::vector<Taught> expected = {Taught::with_label,    Taught::never,         Taught::with_label,
                                        Taught::without_label, Taught::without_label, Taught::never};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(learnt->of(content_of(store, static_cast<int64_t>(i))), expected[i]) << i;
  EXPECT_EQ(learnt->unrecorded, 0);
}

TEST(Learnt, NothingAtAllIsSavedToo) {
  const TemporaryFolder folder;
  save_learnt(folder.path(), {});
  ASSERT_TRUE(load_learnt(folder.path()));
  EXPECT_TRUE(load_learnt(folder.path())->with_label.empty());
}

TEST(Learnt, TheSameExamplesGiveTheSameFile) {
  const TemporaryFolder folder;
  const MemoryStore store(6);
  save_learnt(folder.path(), learnt_examples(store, {0, 2}, {3, 4, 5}));
  const std::string first = read_file(folder / "learnt.safetensors");
  save_learnt(folder.path(), learnt_examples(store, {2, 0}, {5, 4, 3}));
  EXPECT_EQ(read_file(folder / "learnt.safetensors"), first);
}

TEST(Learnt, ARunOfAnOlderVersionSaysNothing) {
  const TemporaryFolder folder;
  EXPECT_FALSE(load_learnt(folder.path()));
}

TEST(Learnt, AFlippedBitIsRefused) {
  const TemporaryFolder folder;
  const MemoryStore store(6);
  save_learnt(folder.path(), learnt_examples(store, {0, 2}, {3}));
  std::string content = read_file(folder / "learnt.safetensors");
  content[content.size() - 3] = static_cast<char>(content[content.size() - 3] ^ 4);
  std::ofstream(folder / "learnt.safetensors", std::ios::binary) << content;
  const Error error = error_of([&] { load_learnt(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.where(), HasSubstr("learnt.safetensors"));
}

TEST(Learnt, OfMoreThanFitsOnlyAPartIsRecorded) {
  const MemoryStore store(6);
  std::vector<int64_t> many(30000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<int64_t>(i * 6 / many.size());
  EXPECT_EQ(learnt_examples(store, {}, many, /*most_bytes=*/1000).unrecorded, 10000);
  EXPECT_EQ(learnt_examples(store, {}, many).unrecorded, 0);
}

TEST(Learnt, WhatWasLearntBeforeCountsToo) {
  const MemoryStore store(3);
  LearntExamples learnt = learnt_examples(store, {0}, {});
  learnt.add(learnt_examples(store, {}, {1}));
  EXPECT_EQ(learnt.of(content_of(store, 1)), Taught::without_label);
  EXPECT_EQ(learnt.of(content_of(store, 0)), Taught::with_label);
}

}  // namespace
}  // namespace fewlabel
