#include <algorithm>
#include <set>

#include "files.h"

namespace fewlabel::testing {
namespace {

using ::testing::ElementsAre;

/// Labels without pixels.
class Labels : public Source {
 public:
  Labels(std::vector<int32_t> labels, int classes) : labels_(std::move(labels)) {
    for (int c = 0; c < classes; ++c) classes_.push_back("c" + std::to_string(c));
  }
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  std::string name(int64_t index) const override { return "img" + std::to_string(index); }
  int32_t label(int64_t index) const override { return labels_[static_cast<std::size_t>(index)]; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return Kind::image; }
  Raw raw(int64_t) const override { return {}; }

 private:
  std::vector<int32_t> labels_;
  std::vector<std::string> classes_;
};

Labels ten_classes(int64_t count) {
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < count; ++i) labels.push_back(static_cast<int32_t>(i % 10));
  return {labels, 10};
}

TEST(Split, ParsesEveryPartAndWritesItBack) {
  const SplitSpec spec = parse_split("some/folder@100:seed=3");
  EXPECT_EQ(spec.data, "some/folder");
  EXPECT_EQ(spec.labels, 100);
  EXPECT_EQ(spec.seed, 3);
  for (const auto* text :
       {"fashion_mnist", "fashion_mnist@100:seed=0", "a:labels=b/c.txt", "me@home", "x:y/z@2:seed=1"})
    EXPECT_EQ(to_string(parse_split(text)), text);
  EXPECT_EQ(parse_split("me@home/pictures").data, "me@home/pictures");
}

TEST(Split, RefusesWhatItDoesNotUnderstand) {
  const auto refuses = [](const std::string& text, const std::string& part) {
    expect_error(ErrorKind::usage, part, [&] { parse_split(text); });
  };
  refuses("data@", "the number of labels after @ is ''");
  refuses("data@-4", "the number of labels after @ is '-4'");
  refuses("data@4x", "the number of labels after @ is '4x'");
  refuses("data@0", "at least 1");
  refuses("data@99999999999999999999", "the number of labels");
  refuses("data@4:seed=x", "seed is 'x'");
  refuses("data@4:seed=-1", "seed is '-1'");
  refuses("data:sed=1", "'sed' is no option of a split");
  refuses("data:labels=", "labels names no file");
  refuses("data@4:labels=f", "both choose the labels");
  refuses("data:seed=1:seed=2", "seed is given twice");
  refuses("@4", "no dataset is named");
}

TEST(Split, IsBalancedSortedAndReproducible) {
  const Labels source = ten_classes(1000);
  const auto chosen = choose_labeled(source, parse_split("x@45:seed=7"));
  ASSERT_EQ(chosen.size(), 45u);
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
  EXPECT_EQ(std::set<int64_t>(chosen.begin(), chosen.end()).size(), 45u);
  std::vector<int> per_class(10);
  for (const int64_t i : chosen) ++per_class[static_cast<std::size_t>(i % 10)];
  EXPECT_EQ(std::count(per_class.begin(), per_class.end(), 4), 5);
  EXPECT_EQ(std::count(per_class.begin(), per_class.end(), 5), 5);
  EXPECT_EQ(choose_labeled(source, parse_split("x@45:seed=7")), chosen);
  EXPECT_NE(choose_labeled(source, parse_split("x@45:seed=8")), chosen);
}

// The name of a split must mean the same examples for ever: published figures depend on it.
TEST(Split, NeverChanges) {
  EXPECT_THAT(choose_labeled(ten_classes(60'000), parse_split("x@10:seed=0")),
              ElementsAre(15486, 18459, 18483, 25361, 25562, 28205, 38644, 40960, 43098, 49137));
}

TEST(Split, FashionMnistWith100LabelsNeverChanges) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const Dataset data = open_dataset("fashion_mnist", {});
  EXPECT_EQ(data.train->size(), 60'000);
  EXPECT_EQ(data.test->size(), 10'000);
  EXPECT_EQ(data.classes[9], "Ankle boot");
  const std::vector<int64_t> expected = {
      91,    531,   1090,  1838,  2098,  2350,  2372,  4193,  4344,  5479,  7662,  7764,  8241,  9560,  9881,
      11630, 12203, 12646, 13123, 13439, 13626, 13708, 13762, 13980, 14700, 15005, 15219, 15456, 15553, 17077,
      17374, 18165, 18224, 18245, 18361, 18805, 18853, 22968, 23022, 23598, 24398, 24744, 24938, 24992, 25043,
      25448, 25789, 26284, 26880, 27453, 27878, 28044, 29090, 29890, 30055, 32685, 33285, 33590, 34233, 34357,
      34768, 34963, 37307, 38313, 38475, 39038, 39500, 40907, 41048, 41715, 42047, 42950, 43110, 44238, 44301,
      45267, 46589, 46773, 47015, 47217, 47441, 48717, 49286, 49614, 49664, 50724, 51047, 52521, 53109, 53272,
      54338, 54613, 55191, 55370, 55684, 56990, 57628, 59064, 59658, 59819};
  EXPECT_EQ(choose_labeled(*data.train, parse_split("fashion_mnist@100:seed=0")), expected);
}

TEST(Split, KeepsEveryLabelWhenNoneIsChosen) {
  const Labels source({0, kUnlabeled, 1, kUnlabeled, 0}, 2);
  EXPECT_THAT(choose_labeled(source, parse_split("x")), ElementsAre(0, 2, 4));
}

TEST(Split, SaysWhatLabelsAreMissing) {
  const auto refuses = [](const Source& source, const std::string& split, const std::string& part) {
    expect_error(ErrorKind::data, part, [&] { choose_labeled(source, parse_split(split)); });
  };
  refuses(Labels({0, 0, 1}, 2), "x@4", "4 labels are asked for, but only 3 examples have one");
  refuses(Labels({0, 0, 0, 1}, 2), "x@4", "need 2 of class 'c1', which has 1");
  refuses(ten_classes(100), "x@5", "5 labels for 10 classes would leave a class without a label");
  refuses(Labels({0, 2}, 3), "x", "class 'c1' has no labelled example");
  refuses(Labels({0}, 3), "x", "2 classes have no labelled example: 'c1', 'c2'");
  refuses(Labels({kUnlabeled}, 0), "x", "no example has a label");
}

TEST(Split, ReadsAListOfLabels) {
  const TemporaryFolder folder;
  const Labels source({0, 1, 0, 1, kUnlabeled}, 2);
  const auto choose = [&](const std::string& text) {
    return choose_labeled(source, parse_split("x:labels=" + folder.write("list.txt", text)));
  };
  EXPECT_THAT(choose("# mine\nimg3\r\n\n0\n"), ElementsAre(0, 3));
  const auto refuses = [&](const std::string& text, const std::string& part) {
    expect_error(ErrorKind::data, part, [&] { choose(text); });
  };
  refuses("img0\nimg1\nimg0\n", "line 3: 'img0' is listed twice, first in line 1");
  refuses("img0\n0\nimg1\n", "listed twice, by name and by index");
  refuses("img0\nnobody\n", "line 2: 'nobody' names no example");
  refuses("img0\n5\n", "'5' names no example");
  refuses("img0\n", "class 'c1' has no labelled example");
  refuses("img0\nimg1\nimg4\n", "img4 is listed but has no label");
  refuses("\n", "lists no example");
  expect_error(ErrorKind::data, "No such file", [&] { choose_labeled(source, parse_split("x:labels=/nowhere/l")); });
}

TEST(Split, AListMayNameWhatLooksLikeAComment) {
  const TemporaryFolder folder;
  folder.write("photos/#1/a.png", grey_png(1));
  folder.write("photos/#1/b.png", grey_png(1));
  folder.write("photos/two/a.png", grey_png(1));
  const Dataset data = open_dataset(folder / "photos", {});
  std::string list = "# mine\n#1/nobody.png\n# mine\n";
  for (const int64_t i : {0, 2}) list += data.train->name(i) + "\n";  // as `data split` writes them
  EXPECT_THAT(choose_labeled(*data.train, parse_split("x:labels=" + folder.write("list.txt", list))),
              ElementsAre(0, 2));
}

}  // namespace
}  // namespace fewlabel::testing
