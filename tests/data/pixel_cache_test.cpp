#include "data/pixel_cache.h"

#include "files.h"

namespace fewlabel::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr ImageShape kShape{4, 4, 1};

struct Scene {
  TemporaryFolder images, cache;
  Scene() {
    images.write("cat/0.png", grey_png(10));
    images.write("cat/1.png", grey_png(20));
    images.write("dog/2.png", "no picture");
  }
  std::unique_ptr<ExampleStore> open(ImageShape shape = kShape, int64_t bytes = 1 << 20) const {
    return make_store(open_dataset(images.path(), {}).train, testing::images(),
                      {.layout = shape, .disk_cache = cache / "pixels", .disk_cache_bytes = bytes, .worth_seconds = 0});
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> paths;
    if (fs::exists(cache / "pixels"))
      for (const auto& entry : fs::directory_iterator(cache / "pixels")) paths.push_back(entry.path());
    return paths;
  }
  /// Another picture in the same place with the same size and time, so that only decoding would tell.
  void swap_behind_its_back() const {
    const fs::path path = images.path() / "cat/1.png";
    const auto time = fs::last_write_time(path);
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << grey_png(30);
    fs::last_write_time(path, time);
  }
};

std::vector<uint8_t> pixels_of(const ExampleStore& store, int64_t index) {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(store.layout().bytes()));
  store.fetch(index, pixels.data());
  return pixels;
}

TEST(PixelCache, TheSecondRunTakesPixelsAndDamageFromDisk) {
  const Scene scene;
  const auto first = scene.open();
  ASSERT_THAT(scene.entries(), SizeIs(1));
  scene.swap_behind_its_back();
  const auto second = scene.open();
  EXPECT_THAT(pixels_of(*second, 1), Each(20));  // nothing was decoded
  EXPECT_THAT(second->damaged(), ElementsAre(2));
  EXPECT_EQ(second->damage()[0].reason, first->damage()[0].reason);
  EXPECT_EQ(second->content_hash(), first->content_hash());
}

TEST(PixelCache, AChangedFileOrAnotherShapeIsDecodedAnew) {
  const Scene scene;
  scene.open();
  scene.images.write("cat/1.png", grey_png(30));
  EXPECT_THAT(pixels_of(*scene.open(), 1), Each(30));
  EXPECT_THAT(pixels_of(*scene.open({2, 2, 1}), 1), Each(30));
  EXPECT_THAT(scene.entries(), SizeIs(3));
}

TEST(PixelCache, ADamagedEntryIsNeverBelieved) {
  const Scene scene;
  scene.open();
  const fs::path entry = scene.entries().at(0);
  std::string bytes;
  {
    std::ifstream file(entry, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  scene.swap_behind_its_back();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    std::ofstream(entry, std::ios::binary) << flipped;
    EXPECT_FALSE(PixelCache(scene.cache / "pixels", 1 << 20).load(entry.filename().string(), 3 * 16)) << at;
  }
  std::ofstream(entry, std::ios::binary) << bytes.substr(0, bytes.size() - 40);
  EXPECT_THAT(pixels_of(*scene.open(), 1), Each(30));
}

TEST(PixelCache, KeepsWithinItsLimitAndDropsWhatWasUsedLongestAgo) {
  const TemporaryFolder folder;
  const PixelCache cache(folder.path(), 4000);
  const DecodedPixels decoded{std::vector<uint8_t>(1500), {}};
  const auto age = [&](const char* key, int hours) {
    fs::last_write_time(folder.path() / key, fs::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  cache.store("a", decoded);
  cache.store("b", decoded);
  age("a", 3);
  age("b", 2);
  EXPECT_TRUE(cache.load("a", 1500));  // now b is the older one
  cache.store("c", decoded);
  EXPECT_TRUE(cache.load("a", 1500));
  EXPECT_FALSE(cache.load("b", 1500));
  EXPECT_TRUE(cache.load("c", 1500));
  cache.store("large", {std::vector<uint8_t>(2001), {}});
  EXPECT_FALSE(cache.load("large", 2001));
}

TEST(PixelCache, AFolderThatCannotBeWrittenChangesNothing) {
  const Scene scene;
  scene.cache.write("pixels", "a file where the folder should be");
  EXPECT_THAT(pixels_of(*scene.open(), 1), Each(20));
}

}  // namespace
}  // namespace fewlabel::testing
