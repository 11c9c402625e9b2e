// Files that lie about themselves: refused with one sentence, without taking the memory that they ask for.
#include <sys/resource.h>

#include "files.h"

namespace fewlabel::testing {
namespace {

void refuses(const std::string& path, const std::string& part) {
  expect_error(ErrorKind::data, part, [&] { open_dataset(path, {}); });
}

TEST(HostileIdx, HeadersThatLie) {
  const TemporaryFolder folder;
  refuses(folder.write("images-idx3", idx_images(4'000'000'000u, 1000, "x")), "bytes where its header promises");
  refuses(folder.write("images-idx3.gz", gzip(idx_images(4'000'000'000u, 1000, "x"))), "more than");
  refuses(folder.write("images-idx3", idx_images(1, 4'000'000'000u, "x")), "more than the limit");
  refuses(folder.write("images-idx3", idx_images(1, 0, "x")), "impossible size");
  refuses(folder.write("images-idx3", idx_images(2, 2, "seven b")), "has 23 bytes where its header promises 24");
  refuses(folder.write("images-idx3", std::string("\0\0\x0d\x03", 4) + std::string(20, '\1')), "is no dataset");
  refuses(folder.write("images-idx3", ""), "is no dataset");
  folder.write("p/train-images-idx3", idx_images(2, 1, "ab"));
  folder.write("p/train-labels-idx1", idx_labels("\1"));
  refuses(folder / "p", "has 1 labels for 2 images");
}

TEST(HostileIdx, GzipCutShort) {
  const TemporaryFolder folder;
  std::string noise;
  for (int i = 0; i < 10'000; ++i) noise += static_cast<char>(i * 7919 >> 5);
  const std::string whole = gzip(idx_images(100, 10, noise));
  refuses(folder.write("images-idx3.gz", whole.substr(0, whole.size() / 2)), "damaged or cut short");
  refuses(folder.write("images-idx3.gz", gzip(idx_images(101, 10, noise))), "is cut short: it holds");
  refuses(folder.write("images-idx3.gz", gzip(idx_images(99, 10, noise))), "holds more than");
}

TEST(HostileNpy, BadHeaders) {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& content) { return folder.write("images.npy", content); };
  refuses(file("short"), "is too short for an NPY file");
  refuses(file("not an NPY file at all"), "is not an NPY file");
  refuses(file(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12) + "x"), "its NPY header claims 4294967295 bytes");
  refuses(file(npy("|O", "(1, 2, 2)", "abcd")), "pickled Python objects");
  refuses(file(npy(">f4", "(1, 1, 1)", "abcd")), "wanted little-endian numbers");
  refuses(file(npy("<i4", "(1, 1, 1)", "abcd")), "images of type '<i4'");
  refuses(file(npy("|u1", "(1, 2, 2)", "abc")), "has 3 bytes of values where its header promises 4");
  refuses(file(npy("|u1", "(4611686018427387904, 4, 4)", "abc")), "impossible shape");
  refuses(file(npy("|u1", "(1, -2, 2)", "abc")), "in 'shape'");
  refuses(file(npy("|u1", "7", "abc")), "'shape'");
  refuses(file(npy("|u1", "(4,)", "abcd")), "has 1 dimensions");
  refuses(file(npy("|u1", "(1, 2, 2, 7)", std::string(28, 'x'))), "2 × 2 × 7");
  file(npy("|u1", "(2, 1, 1)", "ab"));
  folder.write("labels.npy", npy("|u1", "(3,)", "\1\1\1"));
  refuses(folder.path(), "has labels of shape (3) for 2 images");
  folder.write("labels.npy", npy("<f2", "(2,)", std::string(4, '\0')));
  refuses(folder.path(), "has labels of type '<f2'");
  folder.write("labels.npy", npy("<u8", "(2,)", std::string(16, '\xff')));
  refuses(folder.path(), "is out of range");
  folder.write("labels.npy", npy("|i1", "(2,)", "\1\xf0"));
  refuses(folder.path(), "label -16 of example 1 is out of range");
  const float two = 2;
  const Dataset data = open_dataset(
      folder.write("f.npy", npy("<f4", "(1, 1, 1)", std::string(reinterpret_cast<const char*>(&two), 4))), {});
  expect_error(ErrorKind::data, "value 2 lies outside [0, 1]", [&] { read_image(*data.train, 0); });
}

TEST(HostileShards, NamesAndSizes) {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& content) { return folder.write("a.tar", content); };
  const std::string good = tar_member("0.png", grey_png(1));
  refuses(file(good + tar_member("../../etc/passwd", "x") + kTarEnd), "'../../etc/passwd' points out of its folder");
  refuses(file(good + tar_member("/abs.png", "x") + kTarEnd), "points out of its folder");
  refuses(file(good + tar_member("1.png", "x", int64_t{1} << 32) + kTarEnd), "claims 4294967296 bytes");
  refuses(file(good + std::string(512, 'x') + kTarEnd), "is damaged or cut short at or after member '0.png'");
  refuses(file("no archive"), "tar archive");
  refuses(file(tar_member("0.cls", "x") + tar_member("1.png", grey_png(1)) + kTarEnd), "'0' has a label but no image");
  refuses(file(good + tar_member("0.jpg", "x") + kTarEnd), "is a second image of the same example");
  refuses(file(good + tar_member("0.cls", "x") + tar_member("0.json", "{\"label\": \"y\"}") + kTarEnd), "beside 'x'");
  refuses(file(good + tar_member("0.cls", std::string(70'000, 'x')) + kTarEnd), "more than the 65.5 kB");
  refuses(file(good + tar_member("0.json", "[") + kTarEnd), "is no JSON object");
  refuses(file(kTarEnd), "holds no example");
  folder.write("classes.txt", "cat\ndog\n");
  refuses(file(good + tar_member("0.cls", "2") + kTarEnd), "label '2' is not in the list of classes: cat, dog");
  refuses(folder.write("b.tar.gz", gzip(good).substr(0, 40)), "tar archive");
}

TEST(HostileTables, ObjectsOfNothingAndOfTooManyNames) {
  const TemporaryFolder folder;
  refuses(folder.write("a.jsonl", "{}\n{}\n"), "line 1: holds nothing");
  std::string many = "{\"text\": \"a\", \"label\": \"b\"";
  for (int i = 0; i < 80'000; ++i) many += ",\"" + std::to_string(i) + "\":1";
  refuses(folder.write("a.jsonl", many + "}\n"), "has more than 10,000 names");
}

TEST(HostileFiles, PipesAndUnknownKinds) {
  const TemporaryFolder folder;
  refuses(folder.write("a.xyz", "hello, world"), "is no dataset that fewlabel knows");
  refuses("/dev/zero", "is not a regular file");
  fs::create_symlink("loop", folder / "loop");
  refuses(folder / "loop", "cannot be read: Too many levels of symbolic links");
}

TEST(HostileFiles, FoldersThatCannotBeListed) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer needs descriptors of its own to look at the type of what was thrown";
#endif
  const TemporaryFolder folder;
  folder.write("photos/cat/a.png", grey_png(1));
  // Permissions do not stop the superuser; having no descriptor left stops everybody.
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  std::string text;
  auto kind = ErrorKind::failure;
  try {
    open_dataset(folder / "photos", {});
  } catch (const Error& error) {
    kind = error.kind();
    text = error.what();
  } catch (const std::exception& error) {
    text = error.what();
  }
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(kind, ErrorKind::data);
  EXPECT_THAT(text, ::testing::HasSubstr(folder / "photos" + "] cannot be read: Too many open files"));
}

}  // namespace
}  // namespace fewlabel::testing
