// Nothing meant for judging is trained on: what names of files and folders say, in every format.
#include "data/sources/roles.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "files.h"

namespace fewlabel::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// "train/test/validation": how many examples there are of each.
std::string sizes(const Dataset& data) {
  const auto size = [](const std::shared_ptr<const Source>& source) { return source ? source->size() : 0; };
  return fmt::format("{}/{}/{}", size(data.train), size(data.test), size(data.validation));
}
std::string sizes(const std::string& path, const DataOptions& options = {}) {
  return sizes(open_dataset(path, options));
}

TEST(Roles, AreWholeWords) {
  for (const char* word : {"test", "Testing", "EVAL", "holdout", "t10k", "test2015", "evaluation"})
    EXPECT_EQ(role_of_word(word), Role::test) << word;
  for (const char* word : {"val", "Valid", "validation", "DEV", "val2014"})
    EXPECT_EQ(role_of_word(word), Role::validation) << word;
  for (const char* word : {"train", "Training", "learn", "train2017"}) EXPECT_EQ(role_of_word(word), Role::train);
  for (const char* word : {"contest", "value", "device", "trains", "latest", "", "123"})
    EXPECT_EQ(role_of_word(word), std::nullopt) << word;
  EXPECT_EQ(role_in_name("x", "emnist-letters-test-images-idx3-ubyte"), Role::test);
  EXPECT_EQ(role_in_name("x", "greatest-hits"), std::nullopt);
  EXPECT_EQ(role_in_name("x", "train_unlabeled"), Role::unlabeled);
  EXPECT_EQ(without_roles("emnist-letters-test-images"), "emnist-letters-images");
  expect_error(ErrorKind::data, "[f] by its name it is of the train and of the test set",
               [] { role_in_name("f", "train_test"); });
}

TEST(Roles, FoldersOfAnyCaseAreSplits) {
  for (const auto& [train, judged, expected] :
       {std::tuple("training", "testing", "2/1/0"), std::tuple("Train", "Test", "2/1/0"),
        std::tuple("train", "Validation", "2/0/1"), std::tuple("train", "dev", "2/0/1"),
        std::tuple("fruits-train", "fruits-test", "2/1/0"), std::tuple("train2017", "val2017", "2/0/1")}) {
    const TemporaryFolder folder;
    folder.write(std::string(train) + "/cat/1.png", grey_png(1));
    folder.write(std::string(train) + "/dog/1.png", grey_png(2));
    folder.write(std::string(judged) + "/dog/2.png", grey_png(3));
    const Dataset data = open_dataset(folder.path(), {});
    EXPECT_EQ(sizes(data), expected) << train;
    EXPECT_THAT(data.classes, ElementsAre("cat", "dog")) << train;
  }
}

TEST(Roles, AFolderBesideClassesIsASplitWhereItHoldsThem) {
  const TemporaryFolder folder;
  folder.write("cat/1.png", grey_png(1));
  folder.write("dog/1.png", grey_png(2));
  folder.write("test/cat/1.png", grey_png(3));
  folder.write("val/dog/1.png", grey_png(3));
  EXPECT_EQ(sizes(folder.path()), "2/1/1");
  EXPECT_THAT(open_dataset(folder.path(), {}).classes, ElementsAre("cat", "dog"));
  const TemporaryFolder other;
  other.write("cat/1.png", grey_png(1));
  other.write("dog/1.png", grey_png(2));
  other.write("test/1.png", grey_png(3));
  const Error error = error_of([&] { open_dataset(other.path(), {}); });
  EXPECT_THAT(error.message(), HasSubstr("test/ beside folders of classes, and nothing says whether it is a class"));
  EXPECT_THAT(error.hint(), HasSubstr("classes=cat,dog,test"));
  EXPECT_EQ(sizes(other.path(), {.classes = "cat,dog,test"}), "3/0/0");
  EXPECT_EQ(sizes(other.path(), {.classes = "cat,dog"}), "2/0/0");
  EXPECT_THAT(open_dataset(other.path(), {.classes = "cat,dog"}).notes,
              Contains("left out, as classes= does not list them: test"));
}

TEST(Roles, FoldersInsideClassesAreKeptApart) {
  const TemporaryFolder folder;
  folder.write("cat/train/1.png", grey_png(1));
  folder.write("cat/test/2.png", grey_png(1));
  folder.write("dog/train/1.png", grey_png(2));
  folder.write("dog/train/2.png", grey_png(2));
  folder.write("dog/test/3.png", grey_png(3));
  const Dataset data = open_dataset(folder.path(), {});
  EXPECT_EQ(sizes(data), "3/2/0");
  EXPECT_THAT(labels_of(*data.test), ElementsAre(0, 1));
  EXPECT_THAT(data.notes, Contains("kept apart from the training set: cat/test, dog/test"));
}

TEST(Roles, WhatCannotBeToldIsRefused) {
  const TemporaryFolder folder;
  folder.write("test/cat/1.png", grey_png(1));
  folder.write("val/cat/1.png", grey_png(1));
  expect_error(ErrorKind::data, "holds a test set and nothing to learn from", [&] { open_dataset(folder.path(), {}); });
  folder.write("train/cat/1.png", grey_png(1));
  folder.write("Test/cat/1.png", grey_png(1));
  const Error error = error_of([&] { open_dataset(folder.path(), {}); });
  EXPECT_THAT(error.message(), HasSubstr("both a test set by their names"));
  EXPECT_THAT(error.hint(), HasSubstr("data.test="));
}

TEST(Roles, OfIdxFilesWithAnyPrefix) {
  const TemporaryFolder folder;
  const auto pair = [&](const std::string& prefix, uint32_t count) {
    folder.write(prefix + "-images-idx3-ubyte", idx_images(count, 1, std::string(count, 'x')));
    folder.write(prefix + "-labels-idx1-ubyte", idx_labels(std::string(count, '\1')));
  };
  pair("emnist-letters-train", 3);
  pair("emnist-letters-test", 2);
  pair("emnist-letters-validation", 1);
  EXPECT_EQ(sizes(folder.path()), "3/2/1");
  EXPECT_THAT(open_dataset(folder.path(), {}).classes, ElementsAre("1")) << "the numbers that occur";
  pair("emnist-digits-train", 3);
  expect_error(ErrorKind::data, "holds several datasets: emnist-digits-train",
               [&] { open_dataset(folder.path(), {}); });
}

TEST(Roles, OfArraysShardsAndTables) {
  const TemporaryFolder folder;
  for (const char* name : {"train", "test", "val"}) {
    folder.write(fmt::format("npy/{}_images.npy", name), npy("|u1", "(1, 1, 1)", "a"));
    folder.write(fmt::format("tar/s-{}-0.tar", name),
                 tar_member("0.png", grey_png(1)) + tar_member("0.cls", "x") + kTarEnd);
    folder.write(fmt::format("csv/birds-{}.csv", name), "text,label\na line of text,x\n");
    folder.write(fmt::format("npy/{}_labels.npy", name), npy("|u1", "(1,)", std::string(1, '\1')));
  }
  folder.write("npy/test-x.npy", npy("|u1", "(1, 1, 1)", "a"));
  folder.write("npy/test-y.npy", npy("|u1", "(1,)", std::string(1, '\1')));
  fs::remove(folder / "npy/test_images.npy");
  fs::remove(folder / "npy/test_labels.npy");
  for (const char* format : {"npy", "tar", "csv"}) EXPECT_EQ(sizes(folder / format), "1/1/1") << format;
  folder.write("csv/dogs-train.csv", "text,label\nanother line of text,x\n");
  expect_error(ErrorKind::data, "both training sets by their names", [&] { open_dataset(folder / "csv", {}); });
  folder.write("rows.csv", "text,label,split\none line,x,Training\nsecond line,x,holdout\nthird line,x,dev\n");
  EXPECT_EQ(sizes(folder / "rows.csv"), "1/1/1");
}

TEST(Roles, AValidationSetWithoutLabelsIsNamed) {
  const TemporaryFolder folder;
  folder.write("train.csv", "text,label\nfirst text,x\nsecond text,y\n");
  folder.write("val.csv", "text,label\nthird text,\n");
  const Dataset data = open_dataset(folder.path(), {});
  EXPECT_EQ(sizes(data), "2/0/0");
  EXPECT_THAT(data.notes, Contains("1 examples for validation have no label and are left out"));
}

TEST(Folders, SayWhatIsNoExample) {
  const TemporaryFolder folder;
  folder.write("cat/1.png", grey_png(1));
  folder.write("cat/2.xcf", "x");
  folder.write("cat/3.xcf", "x");
  folder.write("dog/1.png", grey_png(2));
  folder.write("dog/1.json", "x");
  folder.write("__MACOSX/cat/._1.png", "x");
  folder.write(".ipynb_checkpoints/1.png", grey_png(2));
  fs::create_directories(folder / "owl");
  fs::create_symlink("loop.png", folder / "cat/loop.png");
  fs::create_symlink("/nowhere", folder / "cat/gone.png");
  fs::create_directory_symlink("..", folder / "dog/up");
  const Dataset data = open_dataset(folder.path(), {});
  EXPECT_EQ(data.train->size(), 2);
  EXPECT_THAT(data.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(data.notes, Contains("files that are no examples: 2 .xcf, 1 .json"));
  EXPECT_THAT(data.notes, Contains(HasSubstr("links that lead nowhere or in a circle: cat/")));
  EXPECT_THAT(data.notes, Contains("links to folders, which are not followed here: dog/up"));
  const std::string& none = data.notes[0];
  for (const char* name : {"__MACOSX", ".ipynb_checkpoints", "owl (empty)"}) EXPECT_THAT(none, HasSubstr(name));
}

TEST(Npy, LabelsOfAnyNumbers) {
  const TemporaryFolder folder;
  folder.write("images.npy", npy("|u1", "(3, 1, 1)", "abc"));
  const auto write = [&](const std::string& type, const void* values, std::size_t bytes) {
    folder.write("labels.npy", npy(type, "(3,)", std::string(static_cast<const char*>(values), bytes)));
    return open_dataset(folder.path(), {});
  };
  const int32_t from_one[] = {1, 3, 2};
  const Dataset data = write("<i4", from_one, sizeof(from_one));
  EXPECT_THAT(data.classes, ElementsAre("1", "2", "3"));
  EXPECT_THAT(labels_of(*data.train), ElementsAre(0, 2, 1));
  expect_error(ErrorKind::data, "label 3 is not in the list of 3 classes",
               [&] { open_dataset(folder.path(), {.classes = "a,b,c"}); });
  EXPECT_THAT(labels_of(*open_dataset(folder.path(), {.classes = "3,2,1"}).train), ElementsAre(2, 0, 1));
  const double with_none[] = {0, NAN, 7};
  EXPECT_THAT(labels_of(*write("<f8", with_none, sizeof(with_none)).train), ElementsAre(0, kUnlabeled, 1));
  const double broken[] = {0, 0.5, 7};
  expect_error(ErrorKind::data, "label 0.5 of example 1 is no whole number",
               [&] { write("<f8", broken, sizeof(broken)); });
  const Error error = error_of([&] { write("<U1", "c\0\0\0d\0\0\0c\0\0\0", 12); });
  EXPECT_THAT(error.message(), HasSubstr("holds texts (type '<U1'), where numbers are wanted"));
  EXPECT_THAT(error.hint(), HasSubstr("return_inverse"));
}

TEST(Shards, HiddenMembersAndRanges) {
  const TemporaryFolder folder;
  const auto member = [](int i) {
    return tar_member(fmt::format("._{}.png", i), "x") + tar_member(fmt::format("{}.png", i), grey_png(i)) +
           tar_member(fmt::format("._{}.cls", i), "x") + tar_member(fmt::format("{}.cls", i), i == 0 ? "cat" : "None") +
           tar_member(fmt::format("__MACOSX/{}.png", i), "x");
  };
  for (int i = 0; i < 3; ++i) folder.write(fmt::format("s-{:03}.tar", i), member(i) + kTarEnd);
  EXPECT_THAT(labels_of(*open_dataset(folder / "s-{000..002}.tar", {}).train), ElementsAre(0, -1, -1));
  EXPECT_EQ(open_dataset(folder / "s-{000..001}.tar", {}).train->size(), 2);
  EXPECT_EQ(open_dataset(folder / "s-00[12].tar", {}).train->size(), 2);
  EXPECT_EQ(open_dataset(folder / "s-{000,002}.tar", {}).train->size(), 2);
  expect_error(ErrorKind::data, "s-003.tar] does not exist, and",
               [&] { open_dataset(folder / "s-{000..003}.tar", {}); });
  expect_error(ErrorKind::data, "is empty or longer than", [&] { open_dataset(folder / "s-{9..0}.tar", {}); });
}

TEST(Tables, ColumnsCanBeSaid) {
  const TemporaryFolder folder;
  folder.write("a.png", grey_png(1));
  folder.write("b.png", grey_png(2));
  const std::string file = folder.write("t.csv", "img,animal,note\na.png,cat,first\nb.png,dog,second\n");
  const Error error = error_of([&] { open_dataset(file, {}); });
  EXPECT_THAT(error.message(), HasSubstr("columns: img, animal, note"));
  EXPECT_THAT(error.hint(), HasSubstr("data.columns=label:animal"));
  EXPECT_THAT(open_dataset(file, {.columns = "label:animal"}).classes, ElementsAre("cat", "dog"));
  EXPECT_EQ(open_dataset(file, {.columns = "text:note,label:animal"}).train->kind(), Kind::text);
  expect_error(ErrorKind::usage, "'colour:animal' is not understood",
               [&] { open_dataset(file, {.columns = "colour:animal"}); });
  expect_error(ErrorKind::data, "has no column 'animals', which data.columns names",
               [&] { open_dataset(file, {.columns = "label:animals"}); });
  EXPECT_THAT(open_dataset(folder.write("id.csv", "id,breed\na.png,x\nb.png,y\n"), {}).classes, ElementsAre("x", "y"));
}

TEST(Split, ListsAnyName) {
  for (const char* name :
       {"plain.png", " spaces ", "line\nfeed", "\"quoted\"", "back\\slash\ttab", "#hash", "17", "r\r"}) {
    const TemporaryFolder folder;
    folder.write(std::string("a/") + name + ".png", grey_png(1));
    folder.write("b/1.png", grey_png(2));
    const Dataset data = open_dataset(folder.path(), {});
    std::string list;
    for (int64_t i = 0; i < data.train->size(); ++i) list += line_of_name(data.train->name(i)) + "\n";
    const std::string path = folder.write("../" + folder.path().filename().string() + ".txt", list);
    EXPECT_EQ(choose_labeled(*data.train, parse_split("x:labels=" + path)).size(), 2u) << name;
    fs::remove(path);
  }
  EXPECT_EQ(line_of_name("a\nb"), "\"a\\x0ab\"");
}

}  // namespace
}  // namespace fewlabel::testing
