#include <atomic>
#include <thread>

#include "core/cancel.h"
#include "data/inspect.h"
#include "data/sources/sources.h"
#include "files.h"

namespace fewlabel::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr ImageShape kShape{4, 4, 1};

/// Two good files, one that is unusual but good, four that are not.
void write_hostile(const TemporaryFolder& folder) {
  folder.write("cat/0.png", grey_png(10));
  folder.write("cat/1_cmyk.jpg", jpeg(16, TJPF_CMYK, "\xff\xff\xff\xff"));
  folder.write("cat/2_deep.png", png(1, 1, 16, 0, std::string("\x80\x00", 2)));
  folder.write("dog/3_empty.png", "");
  folder.write("dog/4_huge.png", png(30000, 30000, 8, 2, ""));
  folder.write("dog/5_text.jpg", "this is a text");
  folder.write("dog/6_cut.png", grey_png(1, 64).substr(0, 60));
  folder.write("dog/7.png", grey_png(20));
}

std::unique_ptr<ExampleStore> store_of(const TemporaryFolder& folder,
                                       const StoreOptions& options = {.layout = kShape}) {
  return make_store(open_dataset(folder.path(), {}).train, images(), options);
}

std::vector<uint8_t> fetched(const ExampleStore& store, int64_t index) {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(store.layout().bytes()), 0xaa);
  store.fetch(index, pixels.data());
  return pixels;
}

TEST(Store, NamesAndCountsDamagedExamples) {
  const TemporaryFolder folder;
  write_hostile(folder);
  const auto store = store_of(folder);
  EXPECT_THAT(store->damaged(), ElementsAre(3, 4, 5, 6));
  ASSERT_EQ(store->damage().size(), 4u);
  EXPECT_EQ(store->damage()[0].name, "dog/3_empty.png");
  EXPECT_EQ(store->damage()[0].reason, "is empty (0 bytes)");
  EXPECT_THAT(store->damage()[1].reason, HasSubstr("claims 30000 × 30000 pixels"));
  EXPECT_THAT(store->damage()[2].reason, HasSubstr("is no image by its content"));
  EXPECT_THAT(store->damage()[3].reason, HasSubstr("damaged or cut PNG"));
  EXPECT_THAT(fetched(*store, 0), Each(10));
  EXPECT_THAT(fetched(*store, 1), Each(255));
  EXPECT_THAT(fetched(*store, 2), Each(128));
  EXPECT_THAT(fetched(*store, 3), Each(0));
  EXPECT_THAT(fetched(*store, 7), Each(20));
}

TEST(Store, StrictRefusesDamageCachedOrNot) {
  const TemporaryFolder folder;
  write_hostile(folder);
  for (const int64_t cache : {int64_t{0}, int64_t{1} << 20})
    expect_error(ErrorKind::data, "[dog/3_empty.png] is empty (0 bytes) (and 3 more damaged examples)",
                 [&] { store_of(folder, {.layout = kShape, .cache_bytes = cache, .strict = true}); });
}

TEST(Store, OnDemandGivesTheSamePixelsFromManyThreads) {
  const TemporaryFolder folder;
  write_hostile(folder);
  const auto cached = store_of(folder, {.layout = kShape, .threads = 4}),
             lazy = store_of(folder, {.layout = kShape, .cache_bytes = 0});
  EXPECT_TRUE(lazy->damage().empty());
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int64_t i = 0; i < lazy->size(); ++i)
          if (fetched(*lazy, i) != fetched(*cached, i)) ++wrong;
      });
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(lazy->damaged(), cached->damaged());
  EXPECT_EQ(lazy->damage().size(), 4u);
}

TEST(Store, ChecksAsMuchAsItIsAskedAndSaysWhatIsDamaged) {
  const TemporaryFolder folder;
  write_hostile(folder);
  const auto cached = store_of(folder), lazy = store_of(folder, {.layout = kShape, .cache_bytes = 0, .threads = 4});
  lazy->check({0, 3, 5, 7});
  EXPECT_THAT(lazy->damaged(), ElementsAre(3, 5));
  std::vector<uint8_t> pixels(16);
  for (const auto* store : {cached.get(), lazy.get()}) {
    EXPECT_TRUE(store->try_fetch(7, pixels.data()));
    EXPECT_THAT(pixels, Each(20));
    EXPECT_FALSE(store->try_fetch(6, pixels.data()));
    EXPECT_THAT(pixels, Each(0));
  }
}

TEST(Store, HashFollowsPixelsNamesAndLabels) {
  const TemporaryFolder folder;
  folder.write("a/0.png", grey_png(1));
  folder.write("b/1.png", grey_png(2));
  const std::string before = store_of(folder)->content_hash();
  const StoreOptions uncached{.layout = kShape, .cache_bytes = 0};
  const std::string uncached_before = store_of(folder, uncached)->content_hash();
  EXPECT_EQ(before.size(), 32u);
  EXPECT_EQ(store_of(folder, {.layout = kShape, .threads = 1})->content_hash(), before);
  folder.write("b/1.png", grey_png(3));
  EXPECT_NE(store_of(folder)->content_hash(), before);
  EXPECT_NE(store_of(folder, uncached)->content_hash(), uncached_before);
}

ImageShape guessed(const TemporaryFolder& folder) {
  return image_shape(images()->guess(*open_dataset(folder.path(), {}).train));
}

TEST(GuessShape, TakesTheCommonestSizeOrTheMiddleOne) {
  const TemporaryFolder folder;
  folder.write("a/0.png", grey_png(1, 8));
  folder.write("a/1.png", grey_png(1, 8));
  folder.write("a/2.png", png(2, 3, 8, 2, std::string(18, 'x')));
  folder.write("a/3.png", "");
  EXPECT_EQ(guessed(folder), (ImageShape{8, 8, 3}));
  folder.write("a/4.png", grey_png(1, 5));
  folder.write("a/5.png", grey_png(1, 6));
  EXPECT_EQ(guessed(folder), (ImageShape{6, 6, 3}));
  const TemporaryFolder bad;
  bad.write("a/0.png", "");
  expect_error(ErrorKind::data, "no image can be read; the first: a/0.png: is empty", [&] { guessed(bad); });
}

TEST(GuessShape, ReadsHeadersAlone) {
  const TemporaryFolder folder;
  folder.write("a/0.png", grey_png(1, 64).substr(0, 60));  // its pixels are cut off
  EXPECT_EQ(guessed(folder), (ImageShape{64, 64, 1}));
  // A comment, which is longer than what is read at first, stands before the size.
  const std::string plain = jpeg(16, TJPF_RGB, "\xc8\x64\x32"), comment(65000, 'c');
  std::string long_header = plain.substr(0, 2);
  for (int i = 0; i < 2; ++i) long_header += "\xff\xfe" + big_endian(65002).substr(2) + comment;
  folder.write("a/0.png", long_header + plain.substr(2));
  EXPECT_EQ(guessed(folder), (ImageShape{16, 16, 3}));
}

TEST(GuessShape, IsThatOfWholeImagesInEveryFormat) {
  const TemporaryFolder folder;
  folder.write("shards/x.tar", tar_member("0.png", grey_png(1, 5)) + tar_member("0.cls", "a") +
                                   tar_member("1.jpg", jpeg(16, TJPF_RGB, "\xc8\x64\x32")) + tar_member("1.cls", "b") +
                                   kTarEnd);
  folder.write("idx/train-images-idx3-ubyte", idx_images(2, 3, std::string(18, 'x')));
  folder.write("idx/train-labels-idx1-ubyte", idx_labels(std::string("\0\1", 2)));
  folder.write("npy/images.npy", npy("|u1", "(2, 4, 3, 4)", std::string(96, 'x')));
  folder.write("npy/labels.npy", npy("|u1", "(2,)", std::string("\0\1", 2)));
  for (const char* name : {"shards", "idx", "npy"}) {
    const auto source = open_dataset(folder / name, {}).train;
    for (int64_t i = 0; i < source->size(); ++i) {
      const Image image = read_image(*source, i);
      EXPECT_EQ(images()->own_layout(source->name(i), source->head(i)),
                Layout(ImageShape{image.height, image.width, image.channels}))
          << name << " " << i;
    }
  }
}

/// Ctrl-C comes while the third image is read.
class Interrupting final : public Source {
 public:
  int64_t size() const override { return 1000; }
  std::string name(int64_t index) const override { return std::to_string(index); }
  int32_t label(int64_t) const override { return 0; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return Kind::image; }
  Raw raw(int64_t) const override {
    if (++reads == 3) request_cancel(ErrorKind::interrupted);
    return {std::vector<uint8_t>(16), kShape};
  }
  mutable std::atomic<int64_t> reads{0};

 private:
  std::vector<std::string> classes_ = {"a"};
};

TEST(Store, StopsDecodingWhenItIsToldTo) {
  const auto stopped = [](const auto& work) {
    const auto source = std::make_shared<Interrupting>();
    EXPECT_EQ(error_of([&] { work(source); }).kind(), ErrorKind::interrupted);
    clear_cancel();
    EXPECT_LE(source->reads, 3 + std::max(3u, std::thread::hardware_concurrency())) << "a thread went on";
  };
  stopped([](const auto& source) { make_store(source, images(), {.layout = kShape, .threads = 3}); });
  stopped([](const auto& source) {
    const auto store = make_store(source, images(), {.layout = kShape, .cache_bytes = 0, .threads = 3});
    std::vector<int64_t> all(1000);
    for (int64_t i = 0; i < 1000; ++i) all[static_cast<std::size_t>(i)] = i;
    store->check(all);
  });
  stopped([](const auto& source) { inspect({"name", "origin", source, nullptr, nullptr, {"a"}}, *images(), {}); });
}

TEST(Inspect, CountsDamagedAndRepeatedImages) {
  const TemporaryFolder folder;
  folder.write("train/cat/0.png", grey_png(10));
  folder.write("train/dog/1.png", grey_png(10));
  folder.write("train/dog/2.png", grey_png(20, 9));
  folder.write("train/dog/3.jpg", "text");
  folder.write("train/dog/notes.txt", "text");
  folder.write("train/unlabeled/4.jpg", jpeg(8, TJPF_RGB, "abc"));
  folder.write("test/cat/5.png", grey_png(20, 9));
  const Dataset data = open_dataset(folder.path(), {});
  const Json result = inspect(data, *images(), {});
  EXPECT_EQ(result["train"]["examples"], 5);
  EXPECT_EQ(result["train"]["labeled"], 4);
  EXPECT_EQ(result["train"]["unlabeled"], 1);
  EXPECT_EQ(result["train"]["per_class"][1]["labeled"], 3);
  EXPECT_EQ(result["train"]["formats"]["PNG"], 3);
  EXPECT_EQ(result["train"]["channels"]["colour"], 1);
  EXPECT_EQ(result["train"]["left_out"], 1);
  EXPECT_EQ(result["train"]["damaged"][0]["name"], "train/dog/3.jpg");
  EXPECT_EQ(result["train"]["repeated"]["groups"], 1);
  EXPECT_EQ(result["train"]["repeated"]["conflicting_labels"], 1);
  EXPECT_EQ(result["in_both"]["test_examples"], 1);
  const std::string text = inspect_text(result);
  Json split = result;
  split["split"] = {{"name", "x@2"}, {"labeled", 2}};
  EXPECT_THAT(inspect_text(split), HasSubstr("labels that the split keeps"));
  EXPECT_THAT(text, HasSubstr("in both: 1 test images also lie in the training set"));
  EXPECT_THAT(text, HasSubstr("is no image by its content"));
  expect_error(ErrorKind::data, "(1 damaged in all)",
               [&] { inspect(data, *images(), {.strict = true, .classes = {}}); });
}

TEST(Inspect, TextStaysWithinEightyColumns) {
  const TemporaryFolder folder;
  const std::string deep = std::string(90, 'd') + "/" + std::string(90, 'e') + "\x1b[31m";
  folder.write("class " + std::string(60, 'c') + "/" + deep + "/0.png", grey_png(1));
  folder.write("class " + std::string(60, 'c') + "/" + deep + "/1.png", "");
  folder.write("ä/" + deep + "/2.png", grey_png(1));
  const std::string text = inspect_text(inspect(open_dataset(folder.path(), {}), *images(), {}));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  std::size_t width = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) width = c == '\n' ? 0 : width + 1;
    ASSERT_LE(width, 80u) << text;
  }
}

}  // namespace
}  // namespace fewlabel::testing
