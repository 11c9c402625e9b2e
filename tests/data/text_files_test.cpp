// Texts from folders of files and from files of lines, and how their bytes are written.
#include "data/sources/encoding.h"
#include "texts.h"

namespace fewlabel::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TextFolder, GivesClassesAndUnlabelled) {
  const TemporaryFolder folder;
  folder.write("d/train/pos/deep/a.txt", "good");
  folder.write("d/train/neg/b.TXT", "bad");
  folder.write("d/train/unsup/c.txt", "so so");
  folder.write("d/train/README.txt", "about");
  folder.write("d/test/neg/d.txt", "worse");
  folder.write("d/train/empty/notes.md", "x");
  const Dataset data = open_dataset(folder / "d", {});
  EXPECT_EQ(data.train->kind(), Kind::text);
  EXPECT_THAT(pairs_of(*data.train), ElementsAre("bad → neg", "good → pos", "so so → -"));
  EXPECT_THAT(pairs_of(*data.test), ElementsAre("worse → neg"));
  EXPECT_EQ(data.train->name(1), "train/pos/deep/a.txt");
  EXPECT_THAT(data.notes,
              ElementsAre("folders that are no classes: empty (empty)", "files that are no examples: 1 .md, 1 .txt"));
}

TEST(TextFolder, SplitsAreKnownInAnyCase) {
  const TemporaryFolder folder;
  folder.write("d/Training/x/a.txt", "a");
  folder.write("d/Testing/x/b.txt", "b");
  const Dataset data = open_dataset(folder / "d", {});
  EXPECT_THAT(pairs_of(*data.train), ElementsAre("a → x"));
  EXPECT_THAT(pairs_of(*data.test), ElementsAre("b → x"));
}

TEST(TextFolder, AMixIsRefusedAndAFewStrayFilesAreNone) {
  const TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) {
    folder.write("d/cat/" + std::to_string(i) + ".png", grey_png(i));
    folder.write("d/dog/" + std::to_string(i) + ".txt", "woof");
  }
  expect_error(ErrorKind::data, "holds 5 images and 5 texts, and nothing says which are the examples",
               [&] { open_dataset(folder / "d", {}); });
  expect_error(ErrorKind::data, "data.kind=image or data.kind=text", [&] { open_dataset(folder / "d", {}); });
  EXPECT_THAT(open_dataset(folder / "d", {.kind = Kind::image}).classes, ElementsAre("cat"));
  EXPECT_THAT(open_dataset(folder / "d", {.kind = Kind::text}).classes, ElementsAre("dog"));
  for (int i = 0; i < 20; ++i) folder.write("e/cat/" + std::to_string(i) + ".png", grey_png(i));
  for (const char* name :
       {"README.txt", "classes.txt", "labels.txt", "cat/a.txt", "cat/b.txt", "cat/1.txt", "cat/2.txt"})
    folder.write("e/" + std::string(name), "x");
  const Dataset images = open_dataset(folder / "e", {});
  EXPECT_EQ(images.train->kind(), Kind::image);
  EXPECT_EQ(images.train->size(), 20);
  for (int i = 0; i < 20; ++i) folder.write("f/x/" + std::to_string(i) + ".txt", "x");
  folder.write("f/logo.png", grey_png(1));
  EXPECT_EQ(open_dataset(folder / "f", {}).train->kind(), Kind::text);
}

TEST(TextFolder, ADamagedFileIsNamed) {
  const TemporaryFolder folder;
  folder.write("d/x/a.txt", "fine");
  folder.write("d/x/b.txt", "");
  folder.write("d/x/c.txt", "caf\xe9");
  folder.write("d/x/d.txt", std::string((1 << 20) + 1, 'x'));
  const Dataset data = open_dataset(folder / "d", {});
  const auto store = store_of_texts(data);
  ASSERT_EQ(store->damage().size(), 3u);
  EXPECT_EQ(store->damage()[0].name, "x/b.txt");
  EXPECT_EQ(store->damage()[1].reason, "is not UTF-8 text at byte 3");
  EXPECT_THAT(store->damage()[2].reason, HasSubstr("has 1,048,577 bytes, more than the 1 MiB that are read at most"));
  EXPECT_EQ(text_of(*open_dataset(folder / "d", {.encoding = "latin-1"}).train, 2), "café");
}

std::string lines(const std::vector<std::string>& each, int times = 1) {
  std::string text;
  for (int t = 0; t < times; ++t)
    for (const auto& line : each) text += line + "\n";
  return text;
}

TEST(TextLines, ReadsTheFormOfTrec) {
  const TemporaryFolder folder;
  const std::string train = lines({"DESC:manner How does it work ?", "ENTY:animal What fowl is it ?"}, 3);
  folder.write("d/TREC.train", train);
  folder.write("d/TREC.test", "ENTY:food What is it ?\n");
  const Dataset data = open_dataset(folder / "d", {});
  EXPECT_EQ(pairs_of(*data.train)[1], "What fowl is it ? → ENTY");
  EXPECT_THAT(pairs_of(*data.test), ElementsAre("What is it ? → ENTY"));
  EXPECT_EQ(data.train->name(1), "TREC.train:2");
  EXPECT_THAT(data.notes[0], HasSubstr("before the colon"));
  EXPECT_EQ(pairs_of(*open_dataset(folder.write("a.label", train), {}).train), pairs_of(*data.train));
}

TEST(TextLines, ReadsLabelsFirstFastTextTabsAndNone) {
  const TemporaryFolder folder;
  const auto pairs = [&](const std::string& content) {
    return pairs_of(*open_dataset(folder.write("a.txt", content), {}).train);
  };
  EXPECT_EQ(pairs(lines({"pos a good film", "neg a bad film"}, 4))[1], "a bad film → neg");
  EXPECT_EQ(pairs(lines({"1 a good film", "0 a bad film"}, 4))[1], "a bad film → 0");
  EXPECT_THAT(pairs("__label__pos a good film\r\n__label__neg a bad film\r\nno label\n__label__a __label__b two\n"),
              ElementsAre("a good film → pos", "a bad film → neg", "no label → -", "! → -"));
  std::string tabs;
  for (int i = 0; i < 9; ++i)
    tabs += i % 3 == 2 ? "ham\t\"ok\" then number " + std::to_string(i) + " it is\n"
                       : "spam\tyou have won number " + std::to_string(i) + "\n";
  EXPECT_EQ(pairs(tabs)[2], "\"ok\" then number 2 it is → ham");
  EXPECT_THAT(pairs("the film is good\n\nthe film is bad\n"),
              ElementsAre("the film is good → -", "the film is bad → -"));
  EXPECT_EQ(pairs(lines({"What is it ?", "How is it ?"}, 20))[0], "What is it ? → -")
      << "words of sentences are no labels";
  EXPECT_EQ(pairs(lines({"alpha one", "beta two"}))[0], "alpha one → -") << "too few to be told";
  expect_error(ErrorKind::data, "holds no example", [&] { pairs("\n \n"); });
}

TEST(TextLines, AFolderOfTextsIsNoListOfThem) {
  const TemporaryFolder folder;
  folder.write("d/train.txt", "a\nb\n");
  folder.write("d/unlabeled.txt", "c\n");
  EXPECT_EQ(open_dataset(folder / "d", {}).train->size(), 3);
  folder.write("e/x/one.txt", "a\nb\n");
  folder.write("e/train.txt", "x/one.txt\n");
  EXPECT_THAT(pairs_of(*open_dataset(folder / "e", {}).train)[0], "a\nb\n → x");
}

TEST(Encoding, IsRecognisedOrNamed) {
  const std::string wide("\xff\xfe\x61\0\xe9\0\x3d\xd8\0\xde", 10), big("\xfe\xff\0\x61\0\xe9", 6);
  EXPECT_EQ(to_utf8("\xef\xbb\xbf"
                    "a",
                    ""),
            "a");
  EXPECT_EQ(to_utf8(wide, ""), "aé😀");
  EXPECT_EQ(to_utf8(big, ""), "aé");
  EXPECT_EQ(to_utf8("a\xe9\x80", "latin-1"), "aé\u0080");
  EXPECT_EQ(to_utf8("\x80", "cp1252"), "€");
  EXPECT_EQ(to_utf8("\xd6\xd0\xce\xc4", "gb18030"), "中文");
  EXPECT_EQ(to_utf8("a\xe9", ""), "a\xe9") << "left for who decodes the example";
  EXPECT_EQ(to_utf8(std::string("\xff\xfe\0\xd8\x61\0", 6), ""),
            "\xff"
            "a")
      << "half of a pair damages its own example";
  EXPECT_EQ(to_utf8("\xd6\xd0\xff\x61", "gb18030"),
            "中\xff"
            "a");
  const std::string long_text(200'000, '\xe9');
  EXPECT_EQ(to_utf8(long_text, "latin-1").size(), 400'000u);
  expect_error(ErrorKind::usage, "'klingon' is no encoding that is known", [] { to_utf8("a", "klingon"); });
  expect_error(ErrorKind::usage, "is no encoding", [] { to_utf8("a", "latin-1//TRANSLIT"); });
}

TEST(Encoding, HoldsForTables) {
  const TemporaryFolder folder;
  const std::string latin = folder.write("a.csv", "text,label\ncaf\xe9 noir,x\nplain one,y\n");
  EXPECT_THAT(pairs_of(*open_dataset(latin, {.encoding = "latin-1"}).train),
              ElementsAre("café noir → x", "plain one → y"));
  std::string wide = "\xff\xfe";
  for (const char c : std::string("text,label\r\na b,x\r\n")) wide += std::string{c, '\0'};
  EXPECT_THAT(pairs_of(*open_dataset(folder.write("b.csv", wide), {}).train), ElementsAre("a b → x"));
}

}  // namespace
}  // namespace fewlabel::testing
