// Texts from CSV, TSV and JSONL: which columns are meant, and what becomes of rows that are none.
#include "data/class_list.h"
#include "texts.h"

namespace fewlabel::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::vector<std::string> kBoth = {"good film → pos", "bad film → neg"};

Dataset open_text(const TemporaryFolder& folder, const std::string& name, const std::string& content,
                  const DataOptions& options = {}) {
  return open_dataset(folder.write(name, content), options);
}

TEST(TextTable, FindsColumnsByTheirNames) {
  const TemporaryFolder folder;
  const auto pairs = [&](const std::string& content, const std::string& name = "a.csv") {
    const Dataset data = open_text(folder, name, content);
    EXPECT_EQ(data.train->kind(), Kind::text);
    return pairs_of(*data.train);
  };
  EXPECT_EQ(pairs("text,label\ngood film,pos\nbad film,neg\n"), kBoth);
  EXPECT_EQ(pairs("id,Category,Sentence\n1,pos,good film\n2,neg,bad film\n"), kBoth);
  EXPECT_EQ(pairs("\xef\xbb\xbfintent\tutterance\r\npos\tgood film\r\nneg\tbad film\r\n", "a.tsv"), kBoth);
  EXPECT_EQ(pairs("{\"review\":\"good film\",\"y\":\"pos\"}\n\n{\"review\":\"bad film\",\"y\":\"neg\"}\n", "a.jsonl"),
            kBoth);
  EXPECT_THAT(pairs("title,body,topic\nGood,\"a, b\",x\n,c d,y\n"), ElementsAre("Good\na, b → x", "c d → y"));
  EXPECT_THAT(pairs("hypothesis,premise,label\nb,a,1\n"), ElementsAre("a\nb → 1"));
  EXPECT_THAT(pairs("question1,question2,label\na,b,1\n"), ElementsAre("a\nb → 1"));
  EXPECT_THAT(pairs("label,text,category\nx,a b,z\n"), ElementsAre("a b → x"));
  EXPECT_THAT(open_text(folder, "a.csv", "title,text,label\na,b,x\n").notes,
              ElementsAre("a.csv: texts from title and text, labels from label"));
}

TEST(TextTable, TakesSemicolonsForCommasWhereEveryRowHasThem) {
  const TemporaryFolder folder;
  const auto pairs = [&](const std::string& content) { return pairs_of(*open_text(folder, "a.csv", content).train); };
  EXPECT_EQ(pairs("text;label\ngood film;pos\nbad film;neg\n"), kBoth);
  EXPECT_THAT(pairs("text;label\n\"good; film\";pos\nbad, film;neg\n"),
              ElementsAre("good; film → pos", "bad, film → neg"));
  EXPECT_THAT(pairs("text,label\ngood; film,pos\nbad; film,neg\n"), ElementsAre("good; film → pos", "bad; film → neg"));
  EXPECT_THAT(pairs("text\nlong; good film\nbad; film\n"), ElementsAre("long; good film → -", "bad; film → -"));
}

TEST(TextTable, FindsColumnsByLooking) {
  const TemporaryFolder folder;
  std::string label_first, text_first, news, named, japanese;
  for (int i = 0; i < 12; ++i) {
    const std::string text = "a film number " + std::to_string(i) + " of many", label = i % 3 == 0 ? "pos" : "neg";
    label_first += label + "," + text + "\n";
    text_first += text + "," + label + "\n";
    news += std::to_string(i % 4) + ",the title of " + std::to_string(i) + ",\"a body, long, of " + std::to_string(i) +
            "\"\n";
    named += "2024-01-" + std::to_string(10 + i) + "," + text + "\n";
    japanese += "とても良い映画でした" + std::to_string(i) + "," + label + "\n";
  }
  const auto first = [&](const std::string& content, const DataOptions& options = {}) {
    const Dataset data = open_text(folder, "a.csv", content, options);
    EXPECT_EQ(data.train->size(), 12);
    EXPECT_THAT(data.notes[0], HasSubstr("(found by looking)"));
    return pairs_of(*data.train)[0];
  };
  EXPECT_EQ(first(label_first), "a film number 0 of many → pos");
  EXPECT_EQ(first(text_first), "a film number 0 of many → pos");
  EXPECT_EQ(first("remark,class\n" + text_first), "a film number 0 of many → pos")
      << "a first row of names is no example";
  EXPECT_EQ(first(news), "the title of 0\na body, long, of 0 → 0");
  EXPECT_EQ(first("date,remark\n" + named), "a film number 0 of many → -")
      << "dates that never come again are no labels";
  EXPECT_EQ(first(japanese), "とても良い映画でした0 → pos");
  EXPECT_EQ(open_text(folder, "a.csv", "seen it,pos\nhated all of it,neg\n").train->size(), 2);
  expect_error(ErrorKind::data, "nothing tells which of its 2 columns holds texts",
               [&] { open_text(folder, "a.csv", "one,two\nthree,four\n"); });
  expect_error(ErrorKind::data, "line 1: none of the columns is called label, and 'verdict' is not known",
               [&] { open_text(folder, "a.csv", "text,verdict\na b,x\n"); });
}

TEST(TextTable, TakesTheColumnsThatAreAskedFor) {
  const TemporaryFolder folder;
  const std::string content = "a,text,b,label\none,two,three,x\n";
  const auto text = [&](const std::string& columns) {
    return pairs_of(*open_text(folder, "a.csv", content, {.text = columns}).train).at(0);
  };
  EXPECT_EQ(text("b"), "three → x");
  EXPECT_EQ(text("b, a"), "three\none → x");
  expect_error(ErrorKind::data, "has no column 'txet', which data.text names; it has: a, text, b, label",
               [&] { text("txet"); });
  EXPECT_THAT(pairs_of(*open_text(folder, "b.csv", "x,one two\ny,three four\n", {.text = "2"}).train),
              ElementsAre("one two → x", "three four → y"));
  folder.write("p/a.png", grey_png(1));
  EXPECT_THAT(pairs_of(*open_text(folder, "p/c.csv", "path,text,label\na.png,a cat,x\n", {.kind = Kind::text}).train),
              ElementsAre("a cat → x"));
}

TEST(TextTable, KnowsTheSpellingsOfAMissingLabel) {
  const TemporaryFolder folder;
  std::string content = "text,label\na b,none\nc d,NONE\n";
  int64_t count = 0;
  for (const char* spelling : {"", "null", "NA", "n/a", "NaN", "-1", "?", "unlabeled", "Unlabelled", "None", "\" \""}) {
    content += "e f," + std::string(spelling) + "\n";
    ++count;
  }
  const Dataset data = open_text(folder, "a.csv", content);
  EXPECT_THAT(data.classes, ElementsAre("NONE", "none"));
  int64_t missing = 0;
  for (const int32_t label : labels_of(*data.train)) missing += label == kUnlabeled ? 1 : 0;
  EXPECT_EQ(missing, count);
  EXPECT_THAT(data.notes, ::testing::Contains(HasSubstr("1 labels '-1' count as missing")));
  const Dataset listed = open_text(folder, "b.csv", "text,label\na b,-1\nc d,0\ne f,\n", {.classes = "-1,0,1"});
  EXPECT_THAT(labels_of(*listed.train), ElementsAre(0, 1, kUnlabeled));
  EXPECT_THAT(labels_of(*open_text(folder, "a.jsonl",
                                   "{\"text\":\"a\",\"label\":null}\n{\"text\":\"b\"}\n{\"text\":\"c\",\"label\":-1}\n"
                                   "{\"text\":\"d\",\"label\":7}\n{\"text\":\"e\",\"label\":true}\n")
                             .train),
              ElementsAre(kUnlabeled, kUnlabeled, kUnlabeled, 0, 1));
  folder.write("i/a.png", grey_png(1));
  folder.write("i/b.png", grey_png(2));
  EXPECT_THAT(labels_of(*open_text(folder, "i/x.csv", "path,label\na.png,NaN\nb.png,cat\n").train),
              ElementsAre(kUnlabeled, 0))
      << "manifests of images know the same spellings";
}

TEST(TextTable, SplitsByAColumn) {
  const TemporaryFolder folder;
  const std::string rows = "text,label,split\na,x,train\nb,y,train\nc,x,dev\n";
  const Dataset without = open_text(folder, "a.csv", rows);
  EXPECT_EQ(without.test, nullptr);
  EXPECT_THAT(pairs_of(*without.validation), ElementsAre("c → x"));
  const Dataset with = open_text(folder, "b.csv", rows + "d,y,test\ne,y,unlabeled\n");
  EXPECT_THAT(pairs_of(*with.test), ElementsAre("d → y"));
  EXPECT_THAT(pairs_of(*with.train), ElementsAre("a → x", "b → y", "e → -")) << "validation is not trained on";
  EXPECT_THAT(pairs_of(*with.validation), ElementsAre("c → x"));
  expect_error(ErrorKind::data, "line 5] split 'tset' is neither",
               [&] { open_text(folder, "c.csv", rows + "d,y,tset\n"); });
}

TEST(TextTable, FilesOfAFolderBelongTogether) {
  const TemporaryFolder folder;
  folder.write("d/train.csv", "text,label\na b,x\nc d,y\n");
  folder.write("d/test.csv", "text,label\ne f,y\n");
  folder.write("d/valid.csv", "text,label\ng h,y\n");
  folder.write("d/unlabeled.txt", "i j\n\nk l\n");
  const Dataset data = open_dataset(folder / "d", {});
  EXPECT_THAT(pairs_of(*data.train), ElementsAre("a b → x", "c d → y", "i j → -", "k l → -"));
  EXPECT_THAT(pairs_of(*data.test), ElementsAre("e f → y"));
  EXPECT_EQ(data.train->name(1), "train.csv:3");
  EXPECT_EQ(data.train->name(3), "unlabeled.txt:3");
  EXPECT_EQ(data.train->classes(), data.test->classes());
  folder.write("d/unlabeled.txt", "");
  folder.write("d/unlabeled.csv", "text,verdict\nm n,1\no p,1\n");
  EXPECT_THAT(pairs_of(*open_dataset(folder / "d", {}).train), ElementsAre("a b → x", "c d → y", "m n → -", "o p → -"))
      << "labels of unlabelled rows are not looked at";
  folder.write("d/test.csv", "text,label\ne f,z\n");
  expect_error(ErrorKind::data, "label 'z' is not in the list of classes: x, y",
               [&] { open_dataset(folder / "d", {}); });
  folder.write("d/a.png", grey_png(1));
  folder.write("d/test.csv", "path,label\na.png,x\n");
  expect_error(ErrorKind::data, "hold different things: 1 paths of files, 5 texts",
               [&] { open_dataset(folder / "d", {}); });
}

TEST(TextTable, AnotherPathIsTheTestSet) {
  const TemporaryFolder folder;
  const std::string train = folder.write("a.csv", "text,label\na b,1\nc d,0\ne f,10\n"),
                    test = folder.write("b.tsv", "label\ttext\n10\tg h\n");
  const Dataset data = open_dataset(train, {}, test);
  EXPECT_THAT(data.classes, ElementsAre("0", "1", "10"));
  EXPECT_THAT(labels_of(*data.test), ElementsAre(2)) << "the same number means the same class in both files";
  EXPECT_EQ(choose_labeled(*data.train, parse_split("x@3:seed=0")).size(), 3u);
  EXPECT_THAT(
      choose_labeled(*data.train, parse_split("x:labels=" + folder.write("l.txt", "a.csv:2\na.csv:3\na.csv:4\n"))),
      ElementsAre(0, 1, 2));
  folder.write("images/10/a.png", grey_png(1));
  expect_error(ErrorKind::data, "holds images where the training set holds texts",
               [&] { open_dataset(train, {}, folder / "images"); });
  expect_error(ErrorKind::data, "1 of 1 test examples have no label, the first is c.csv:2",
               [&] { open_dataset(train, {}, folder.write("c.csv", "text,label\ng h,\n")); });
}

TEST(TextTable, ReadsTheFilesThatItNames) {
  const TemporaryFolder folder;
  folder.write("t/a.txt", "\xef\xbb\xbfone two");
  folder.write("t/b.txt", "three");
  for (const auto* content : {"file,label\nt/a.txt,x\nt/b.txt,y\n", "t/a.txt,x\nt/b.txt,y\n"}) {
    const Dataset data = open_text(folder, "a.csv", content);
    EXPECT_EQ(data.train->kind(), Kind::text);
    EXPECT_THAT(pairs_of(*data.train), ElementsAre("one two → x", "three → y"));
    EXPECT_EQ(data.train->name(0), "t/a.txt");
  }
}

TEST(TextTable, SurvivesRowsThatAreNone) {
  const TemporaryFolder folder;
  const Dataset data =
      open_text(folder, "a.csv",
                "text,label\ngood one,x\n\xff bad,x\n,y\nwith, a comma,y\n" + std::string("a\0b,x\n", 6) +
                    std::string(2 << 20, 'l') + ",y\nlast one,y\nmore of it,x\neven more,x\n");
  const auto store = store_of_texts(data);
  std::vector<std::string> damage;
  for (const Damage& d : store->damage()) damage.push_back(d.name + " " + d.reason);
  EXPECT_THAT(damage, ElementsAre("a.csv:3 is not UTF-8 text at byte 0", "a.csv:4 is empty",
                                  "a.csv:5 3 columns where the first line has 2", "a.csv:6 holds a NUL at byte 1",
                                  "a.csv:7 is longer than 1 MiB, the most that is taken for one text"));
  EXPECT_EQ(data.train->label(7), 0);
  EXPECT_EQ(text_of(*data.train, 7), "more of it");
  expect_error(ErrorKind::data, "[a.csv:3] is not UTF-8 text at byte 0 (and 4 more damaged examples)",
               [&] { store_of_texts(data, true); });
  expect_error(ErrorKind::data, "line 2: 3 columns where the first line has 2 (2 of 3 rows cannot be used)",
               [&] { open_text(folder, "b.csv", "text,label\na,b,x\nc,d,y\ne,y\n"); });
  const Dataset json = open_text(
      folder, "a.jsonl",
      "{\"text\":\"a b\",\"label\":\"x\"}\n[1]\n{\"text\":[],\"label\":\"x\"}\n{\"text\":\"c\",\"label\":\"y\"}\n"
      "{\"text\":\"\xff\",\"label\":\"y\"}\n{\"text\":\"d\",\"label\":\"y\"}\n");
  EXPECT_THAT(pairs_of(*json.train), ElementsAre("a b → x", "! → -", "! → -", "c → y", "! → -", "d → y"));
  // What cannot be judged by is no reason to refuse a test set.
  const Dataset tested = open_dataset(folder / "a.jsonl", {}, folder / "a.jsonl");
  EXPECT_EQ(tested.test->size(), 6);
}

TEST(TextTable, StrayQuotesSwallowNothing) {
  const TemporaryFolder folder;
  const auto pairs = [&](const std::string& rows) {
    const Dataset data = open_text(folder, "a.csv", "text,label\n" + rows);
    return pairs_of(*data.train);
  };
  EXPECT_THAT(pairs("one,x\n\"two,y\nthree,x\n"), ElementsAre("one → x", "\"two → y", "three → x"));
  EXPECT_THAT(pairs("\"one,x\n\"two\" she said,y\nthree,x\n"),
              ElementsAre("\"one → x", "\"two\" she said → y", "three → x"));
  EXPECT_THAT(pairs("\"one,x\ntwo,y\n\"three, or four\",x\nfive,y\n"),
              ElementsAre("\"one → x", "two → y", "three, or four → x", "five → y"));
  EXPECT_THAT(pairs("\"one,x\ntwo,\"y\"\nthree,x\n"), ElementsAre("\"one → x", "two → y", "three → x"));
  EXPECT_THAT(pairs("\"one,x\ntwo really\"\nthree,x\nfour,y\n"),
              ElementsAre("\"one → x", "! → -", "three → x", "four → y"))
      << "a quote over lines that leaves too few columns is none";
  EXPECT_THAT(pairs("\"a \"\"quote\"\"\nover lines\",x\n\"b\",y\n"),
              ElementsAre("a \"quote\"\nover lines → x", "b → y"));
  EXPECT_THAT(open_text(folder, "a.csv", "text,label\none,x\n\"two,y\n").notes,
              ::testing::Contains("a.csv: 1 quote that open nothing are taken as they stand, the first in line 3"));
}

TEST(TextTable, ReadsLargeTablesInTheMemoryOfTheirText) {
  const TemporaryFolder folder;
  std::string content = "text,label\n";
  for (int i = 0; i < 300'000; ++i) content += "the same text,x\n";
  content += std::string(std::size_t{100} << 20, 'l') + ",x\n\"" + std::string(std::size_t{5} << 20, '"') + "\n";
  const Dataset data = open_text(folder, "a.csv", content);
  EXPECT_EQ(data.train->size(), 300'002);
  EXPECT_EQ(data.train->name(299'999), "a.csv:300001");
  expect_error(ErrorKind::data, "[a.csv:300002] is longer than", [&] { data.train->raw(300'000); });
}

TEST(TextTable, WhateverTheBytesOnlyDataErrorsComeOut) {
  const TemporaryFolder folder;
  const std::vector<std::string> parts = {"text",
                                          "label",
                                          ",",
                                          ",",
                                          "\n",
                                          "\n",
                                          "\"",
                                          "\"\"",
                                          "\t",
                                          "a b",
                                          "\xff",
                                          std::string(1, '\0'),
                                          "{\"text\":\"a\"}",
                                          "[",
                                          "}",
                                          "1.5",
                                          "x.png",
                                          "x.txt",
                                          "\r",
                                          " ",
                                          "split",
                                          "__label__a ",
                                          "A:b "};
  const std::vector<std::string> names = {"a.csv", "a.tsv", "a.jsonl", "a.txt", "a.train"};
  uint32_t state = 1;
  const auto draw = [&](std::size_t below) { return (state = state * 1664525 + 1013904223) / 65536 % below; };
  int opened = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string content = round % 3 == 0 ? "text,label\n" : "";
    for (std::size_t k = draw(40); k > 0; --k) content += parts[draw(parts.size())];
    try {
      const Dataset data = open_text(folder, names[static_cast<std::size_t>(round) % names.size()], content);
      ++opened;
      for (int64_t i = 0; i < data.train->size(); ++i) EXPECT_NE(data.train->name(i), "");
      pairs_of(*data.train);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data) << error.what() << "\n" << content;
    }
  }
  EXPECT_GT(opened, 300);
}

}  // namespace
}  // namespace fewlabel::testing
