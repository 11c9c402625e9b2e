#include <cstdlib>
#include <set>

#include "data/class_list.h"
#include "data/sources/sources.h"
#include "files.h"

namespace fewlabel::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int> first_pixels(const Source& source) {
  std::vector<int> values;
  for (int64_t i = 0; i < source.size(); ++i) values.push_back(read_image(source, i).pixels.at(0));
  return values;
}

TEST(Classes, SortNaturally) {
  EXPECT_TRUE(natural_less("9", "10"));
  EXPECT_TRUE(natural_less("a2b", "a10"));
  EXPECT_FALSE(natural_less("10", "9"));
  EXPECT_TRUE(natural_less("cat", "dog"));
  EXPECT_TRUE(natural_less("a", "ab"));
  EXPECT_NE(natural_less("01", "1"), natural_less("1", "01"));
  EXPECT_FALSE(natural_less("7", "7"));
}

TEST(Classes, HaveFoldersOfDifferentNames) {
  const std::vector<std::string> names{"a/b", "cat", "a-b", ".hidden", "a\nb", "_.hidden"};
  const auto folders = class_folders(names);
  EXPECT_EQ(folders[1], "cat");
  EXPECT_EQ(folders[2], "a-b");
  EXPECT_EQ(folders[5], "_.hidden");
  EXPECT_EQ(std::set<std::string>(folders.begin(), folders.end()).size(), names.size());
  for (const std::string& folder : folders) {
    EXPECT_EQ(folder.find_first_of("/\n"), std::string::npos) << folder;
    EXPECT_NE(folder.front(), '.') << folder;
  }
}

TEST(Idx, ReadsPlainAndCompressedPairs) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx_images(3, 2, std::string(4, 1) + std::string(4, 2) + std::string(4, 3)));
  folder.write("train-labels-idx1-ubyte.gz", gzip(idx_labels(std::string("\0\1\2", 3))));
  folder.write("t10k-images-idx3-ubyte.gz", gzip(idx_images(1, 2, std::string(4, 9))));
  folder.write("t10k-labels-idx1-ubyte", idx_labels("\2"));
  folder.write("unlabeled-images-idx3-ubyte", idx_images(1, 2, std::string(4, 8)));
  const Dataset data = open_dataset(folder.path(), {});
  EXPECT_THAT(labels_of(*data.train), ElementsAre(0, 1, 2, kUnlabeled));
  EXPECT_THAT(first_pixels(*data.train), ElementsAre(1, 2, 3, 8));
  EXPECT_THAT(labels_of(*data.test), ElementsAre(2));
  EXPECT_THAT(first_pixels(*data.test), ElementsAre(9));
  EXPECT_THAT(data.classes, ElementsAre("0", "1", "2"));
  EXPECT_EQ(data.train->name(1), "train-images-idx3-ubyte#1");
}

TEST(Idx, RefusesAFileBesideItsCompressedSelf) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx_images(1, 2, std::string(4, 1)));
  folder.write("train-images-idx3-ubyte.gz", gzip(idx_images(1, 2, std::string(4, 2))));
  expect_error(ErrorKind::data, "holds both train-images-idx3-ubyte and train-images-idx3-ubyte.gz",
               [&] { open_dataset(folder.path(), {}); });
}

TEST(ImageFolder, GivesClassesUnlabelledAndLooseFiles) {
  const TemporaryFolder folder;
  folder.write("photos/10/a.png", grey_png(1));
  folder.write("photos/9/deep/er/b.PNG", grey_png(2));
  folder.write("photos/9/notes.txt", "text");
  folder.write("photos/unlabeled/u.webp", webp(4, "\x05\x05\x05"));
  folder.write("photos/loose.jpg", jpeg(8, TJPF_GRAY, "\x07"));
  folder.write("photos/.hidden/x.png", grey_png(1));
  const Dataset data = open_dataset(folder / "photos" + "/", {});
  EXPECT_EQ(data.name, "photos");
  EXPECT_EQ(data.test, nullptr);
  EXPECT_THAT(data.classes, ElementsAre("9", "10"));
  EXPECT_THAT(labels_of(*data.train), ElementsAre(0, 1, kUnlabeled, kUnlabeled));
  EXPECT_THAT(first_pixels(*data.train), ElementsAre(2, 1, 5, 7));
  EXPECT_EQ(data.train->name(0), "9/deep/er/b.PNG");
}

TEST(ImageFolder, FlatFolderIsUnlabelled) {
  const TemporaryFolder folder;
  folder.write("a.png", grey_png(1));
  folder.write("b.png", grey_png(2));
  const Dataset data = open_dataset(folder.path(), {});
  EXPECT_THAT(labels_of(*data.train), ElementsAre(kUnlabeled, kUnlabeled));
  EXPECT_TRUE(data.classes.empty());
}

TEST(ImageFolder, TakesTheClassesOfTheTestSetWhereNoExampleHasALabel) {
  const TemporaryFolder folder;
  folder.write("train/a.png", grey_png(1));
  folder.write("test/cat/1.png", grey_png(2));
  folder.write("test/dog/1.png", grey_png(3));
  const Dataset data = open_dataset(folder.path(), {});
  EXPECT_THAT(labels_of(*data.test), ElementsAre(0, 1));
  EXPECT_THAT(data.classes, ElementsAre("cat", "dog"));
}

TEST(ImageFolder, TrainAndTestGiveBothSplits) {
  const TemporaryFolder folder;
  folder.write("train/cat/1.png", grey_png(1));
  folder.write("train/dog/1.png", grey_png(2));
  folder.write("test/dog/1.png", grey_png(3));
  folder.write("unlabeled/1.png", grey_png(4));
  const Dataset data = open_dataset(folder.path(), {});
  EXPECT_THAT(labels_of(*data.train), ElementsAre(0, 1, kUnlabeled));
  EXPECT_THAT(labels_of(*data.test), ElementsAre(1));
  folder.write("test/bird/1.png", grey_png(3));
  expect_error(ErrorKind::data, "label 'bird' is not in the list of classes: cat, dog",
               [&] { open_dataset(folder.path(), {}); });
  folder.write("test/loose.png", grey_png(3));
  fs::remove_all(folder / "test/bird");
  expect_error(ErrorKind::data, "1 of 2 test examples have no label, the first is test/loose.png",
               [&] { open_dataset(folder.path(), {}); });
}

TEST(ImageFolder, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  folder.write("photos/cat/a.png", grey_png(1));
  fs::create_directories(folder / "photos/unlabeled");
  expect_error(ErrorKind::data, "unlabelled examples holds no image", [&] { open_dataset(folder / "photos", {}); });
  folder.write("texts/cat/a.pdf", "x");
  expect_error(ErrorKind::data, "holds no image, no recording and no text (.txt) (1 other files)",
               [&] { open_dataset(folder / "texts", {}); });
  expect_error(ErrorKind::data, "there is no such file or folder", [&] { open_dataset(folder / "nowhere", {}); });
  fs::remove_all(folder / "photos/unlabeled");
  expect_error(ErrorKind::data, "none of the folders that classes= lists holds an example; there are: cat",
               [&] { open_dataset(folder / "photos", {.classes = "dog, bird"}); });
  expect_error(ErrorKind::data, "class 'a' is listed twice",
               [&] { open_dataset(folder / "photos", {.classes = "a,a"}); });
}

TEST(ImageFolder, IndexesManyFilesWithoutOpeningThem) {
  const TemporaryFolder folder;
  for (int c = 0; c < 10; ++c) fs::create_directories(folder / std::to_string(c));
  folder.write("source.bin", "");
  for (int i = 0; i < 20'000; ++i)  // hard links: opening one as an image would fail
    fs::create_hard_link(folder / "source.bin", folder / std::to_string(i % 10) + "/" + std::to_string(i) + ".jpg");
  EXPECT_EQ(open_dataset(folder.path(), {}).train->size(), 20'000);
}

TEST(Cifar, ReadsBothVariants) {
  const TemporaryFolder folder;
  std::string pixels(3072, '\0');
  pixels[0] = 11, pixels[1024] = 22, pixels[2048] = 33;  // planes of red, green and blue
  folder.write("ten/data_batch_1.bin", std::string(1, 3) + pixels + std::string(1, 9) + pixels);
  folder.write("ten/test_batch.bin", std::string(1, 0) + pixels);
  folder.write("hundred/train.bin", std::string("\5\x63", 2) + pixels);
  const Dataset ten = open_dataset(folder / "ten", {}), hundred = open_dataset(folder / "hundred", {});
  EXPECT_THAT(labels_of(*ten.train), ElementsAre(3, 9));
  EXPECT_THAT(labels_of(*ten.test), ElementsAre(0));
  const Image image = read_image(*ten.train, 1);
  EXPECT_EQ(image.channels, 3);
  EXPECT_THAT(std::vector<int>(image.pixels.begin(), image.pixels.begin() + 3), ElementsAre(11, 22, 33));
  EXPECT_THAT(labels_of(*hundred.train), ElementsAre(99));
  EXPECT_EQ(hundred.classes.size(), 100u);
  folder.write("bad/data_batch_1.bin", std::string(1, 10) + pixels);
  expect_error(ErrorKind::data, "record 0 has label 10; wanted 0 to 9", [&] { open_dataset(folder / "bad", {}); });
  folder.write("bad/data_batch_1.bin", pixels);
  expect_error(ErrorKind::data, "is no CIFAR binary: 3,072 bytes", [&] { open_dataset(folder / "bad", {}); });
}

TEST(Manifest, ReadsCsvWithAndWithoutHeader) {
  const TemporaryFolder folder;
  folder.write("im/a.png", grey_png(1));
  folder.write("im/b, c.png", grey_png(2));
  const auto labels = [&](const std::string& name, const std::string& text) {
    const Dataset data = open_dataset(folder.write(name, text), {});
    first_pixels(*data.train);  // reads both
    return std::pair(labels_of(*data.train), data.classes);
  };
  const auto expected = std::pair(std::vector<int32_t>{0, kUnlabeled}, std::vector<std::string>{"cat"});
  EXPECT_EQ(labels("plain.csv", "im/a.png,cat\n\"im/b, c.png\",\n"), expected);
  EXPECT_EQ(labels("header.csv", "\xef\xbb\xbflabel,path\r\ncat,im/a.png\r\n\r\n,\"im/b, c.png\""), expected);
  EXPECT_EQ(labels("t.tsv", "path\tlabel\nim/a.png\tcat\nim/b, c.png\t\n"), expected);
  EXPECT_EQ(
      labels("j.jsonl", "{\"path\":\"im/a.png\",\"label\":\"cat\"}\n\n{\"path\":\"im/b, c.png\",\"label\":null}\n"),
      expected);
  EXPECT_EQ(labels("q.csv", "path,label\nim/a.png,\"c\"\"a\nt\"\n\"im/b, c.png\",\n").second[0], "c\"a\nt");
}

TEST(Classes, AreNamedInUtf8) {
  const TemporaryFolder folder;
  const auto refuses = [](const std::string& path, const std::string& shown, const DataOptions& options = {}) {
    expect_error(ErrorKind::data, "the name of class '" + shown + "' is not UTF-8 text",
                 [&] { open_dataset(path, options); });
  };
  folder.write("photos/train/caf\xe9/a.png", grey_png(1));
  folder.write("photos/train/bar/a.png", grey_png(1));
  refuses(folder / "photos", "caf\\xe9");
  expect_error(ErrorKind::data, "[train/caf\\xe9]", [&] { open_dataset(folder / "photos", {}); });
  refuses(folder / "photos", "b\\xed!", {.classes = "bar,b\xed!"});
  folder.write("arrays/images.npy", npy("|u1", "(1, 1, 1)", "a"));
  folder.write("arrays/labels.npy", npy("|u1", "(1,)", std::string(1, '\0')));
  folder.write("arrays/classes.txt", "caf\xe9\n");
  refuses(folder / "arrays", "caf\\xe9");
}

TEST(Manifest, GivesATestSplitAndChecksLabels) {
  const TemporaryFolder folder;
  folder.write("a.png", grey_png(1));
  folder.write("b.png", grey_png(2));
  const std::string file = folder.write("all.csv", "path,label,split\na.png,x,train\nb.png,x,test\n");
  EXPECT_EQ(open_dataset(file, {}).test->name(0), "b.png");
  folder.write("f/train.csv", "../a.png,x\n");
  folder.write("f/test.csv", "../b.png,x\n");
  EXPECT_EQ(open_dataset(folder / "f", {}).test->size(), 1);
  const Dataset separate = open_dataset(folder / "f/train.csv", {}, folder / "f/test.csv");
  EXPECT_THAT(first_pixels(*separate.test), ElementsAre(2));
  expect_error(ErrorKind::data, "label 'x' is not in the list of classes: y, z",
               [&] { open_dataset(file, {.classes = "y,z"}); });
}

TEST(Manifest, NamesTheLineOfAFault) {
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& name, const std::string& text, const std::string& part) {
    expect_error(ErrorKind::data, part, [&] { open_dataset(folder.write(name, text), {}); });
  };
  refuses("a.csv", "path,label\n\"a.png,x\n", "line 2] a quote is opened and never closed");
  refuses("a.csv", "path,label\n\"a\"b,x\n", "line 2] text follows a closing quote");
  refuses("a.csv", "path,label\na.png\n", "line 2: 1 columns where the first line has 2");
  refuses("a.csv", "path,label\n,x\n", "line 2] names no file");
  refuses("a.csv", "image,animal\na.png,x\n", "none of the columns is called label, and 'animal' is not known");
  refuses("a.csv", "path,label\na.png,x\na.png,y\n", "'a.png' is listed twice, first in line 2");
  refuses("a.csv", "path,label\na\xff.png,x\n", "line 2] is not UTF-8 text");
  refuses("a.csv", std::string("a\0.png,x\n", 9), "line 1] is not UTF-8 text");
  refuses("a.csv", "a.png,\xed\xa0\x80\n", "line 1] is not UTF-8 text");  // a surrogate
  refuses("a.csv", "a.png,\xe0\x80\xaf\n", "line 1] is not UTF-8 text");  // '/' in three bytes
  refuses("a.csv", "", "lists no file");
  refuses("a.csv", "path,label,split\na.png,x,tset\n", "split 'tset' is neither train nor test");
  refuses("a.jsonl", "{\"path\":\"a.png\"}\n[1]\n", "line 2] is no JSON object");
  refuses("a.jsonl", "{\"path\":\"a\",\"label\":[]}\n", "'label' must be a text, a whole number or null");
  refuses("a.jsonl", std::string(100'000, '[') + "\n", "nests deeper than 64 brackets");
}

TEST(Npy, ReadsBytesFloatsAndBothLayouts) {
  const TemporaryFolder folder;
  folder.write("x/images.npy", npy("|u1", "(2, 2, 2)", std::string("\1\1\1\1\2\2\2\2")));
  folder.write("x/labels.npy", npy("<i8", "(2,)", std::string("\1\0\0\0\0\0\0\0", 8) + std::string(8, '\xff')));
  const Dataset bytes = open_dataset(folder / "x", {});
  EXPECT_THAT(labels_of(*bytes.train), ElementsAre(0, kUnlabeled));
  EXPECT_THAT(bytes.classes, ElementsAre("1"));
  EXPECT_THAT(first_pixels(*bytes.train), ElementsAre(1, 2));
  const float values[] = {0.0f, 1.0f, 0.5f, 0.25f};
  const std::string raw(reinterpret_cast<const char*>(values), sizeof(values));
  const Image image = read_image(*open_dataset(folder.write("f.npy", npy("<f4", "(1, 2, 2)", raw)), {}).train, 0);
  EXPECT_THAT(image.pixels, ElementsAre(0, 255, 128, 64));
  std::string planes;
  for (const char c : {'\1', '\2', '\3'}) planes += std::string(25, c);
  const Image first = read_image(*open_dataset(folder.write("c.npy", npy("|u1", "(1, 3, 5, 5)", planes)), {}).train, 0);
  EXPECT_EQ(first.height, 5);
  EXPECT_THAT(std::vector<int>(first.pixels.begin(), first.pixels.begin() + 3), ElementsAre(1, 2, 3));
}

TEST(Shards, ReadsLabelsNamesAndSplits) {
  const TemporaryFolder folder;
  folder.write("d-train-0.tar", tar_member("000.png", grey_png(1)) + tar_member("000.cls", "1") +
                                    tar_member("001.png", grey_png(2)) + kTarEnd);
  folder.write("d-train-1.tar",
               tar_member("dir/002.json", "{\"label\": \"cat\"}") + tar_member("dir/002.png", grey_png(3)) + kTarEnd);
  folder.write("d-test-0.tar", tar_member("0.png", grey_png(4)) + tar_member("0.cls", "dog\n") + kTarEnd);
  folder.write("classes.txt", "cat\ndog\n");
  const Dataset data = open_dataset(folder.path(), {});
  EXPECT_THAT(data.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(labels_of(*data.train), ElementsAre(1, kUnlabeled, 0));
  EXPECT_THAT(first_pixels(*data.train), ElementsAre(1, 2, 3));
  EXPECT_THAT(labels_of(*data.test), ElementsAre(1));
  EXPECT_EQ(data.train->name(2), "d-train-1.tar/dir/002");
  EXPECT_EQ(open_dataset(folder / "d-train-*.tar", {}, folder / "d-test-0.tar").train->size(), 3);
  expect_error(ErrorKind::data, "no file matches the pattern", [&] { open_dataset(folder / "e-*.tar", {}); });
}

TEST(Npy, RefusesTwoNamesOfTheSame) {
  const TemporaryFolder folder;
  const std::string file = folder.write("images.npy", npy("|u1", "(1, 1, 1)", "\1"));
  folder.write("x.npy", npy("|u1", "(1, 1, 1)", "\2"));
  expect_error(ErrorKind::data, "holds both images.npy and x.npy", [&] { open_dataset(folder.path(), {}); });
  EXPECT_THAT(first_pixels(*open_dataset(file, {}).train), ElementsAre(1));
  folder.write("labels.npy", npy("|u1", "(1,)", "\1"));
  folder.write("y.npy", npy("|u1", "(1,)", "\2"));
  expect_error(ErrorKind::data, "holds both labels.npy and y.npy", [&] { open_dataset(file, {}); });
}

TEST(Shards, NoticeThatTheyHaveChanged) {
  const TemporaryFolder folder;
  const std::string one = tar_member("001.png", grey_png(1)), two = tar_member("002.png", grey_png(2));
  const std::string file = folder.write("a.tar", one + two + kTarEnd);
  const Dataset data = open_dataset(file, {});
  EXPECT_THAT(first_pixels(*data.train), ElementsAre(1, 2));
  folder.write("a.tar", two + one + kTarEnd);
  expect_error(ErrorKind::data, "no longer holds 'a.tar/001' where it was", [&] { read_image(*data.train, 0); });
}

TEST(Shards, ReadsCompressedOnes) {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.tar.gz", gzip(tar_member("0.png", grey_png(5)) + tar_member("0.cls", "x") +
                                                         tar_member("1.png", grey_png(6)) + kTarEnd));
  const Dataset data = open_dataset(file, {});
  EXPECT_THAT(first_pixels(*data.train), ElementsAre(5, 6));
  EXPECT_THAT(labels_of(*data.train), ElementsAre(0, kUnlabeled));
}

TEST(Known, LooksInTheFolderOfTheEnvironment) {
  const TemporaryFolder folder;
  folder.write("fashion-mnist/train-images-idx3-ubyte", idx_images(1, 2, std::string(4, 7)));
  setenv("FEWLABEL_DATA", folder.path().c_str(), 1);
  const Dataset data = open_dataset("fashion_mnist", {});
  unsetenv("FEWLABEL_DATA");
  EXPECT_EQ(data.name, "fashion_mnist");
  EXPECT_EQ(data.title, "Fashion-MNIST");
  EXPECT_EQ(open_dataset(folder / "fashion-mnist", {}).title, "fashion-mnist") << "a folder is called by its name";
  EXPECT_EQ(data.origin, "fashion_mnist");
  EXPECT_EQ(data.train->size(), 1);
  EXPECT_EQ(data.classes.size(), 10u);
  expect_error(ErrorKind::data, "did you mean fashion_mnist", [] { open_dataset("fashion_mnis", {}); });
}

}  // namespace
}  // namespace fewlabel::testing
