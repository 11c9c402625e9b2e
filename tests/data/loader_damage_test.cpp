// Damage that the loader meets on its way: images decoded on demand.
#include <set>

#include "data/loader.h"
#include "files.h"

namespace fewlabel::testing {
namespace {

constexpr ImageShape kShape{4, 4, 1};

/// The image, with a number added that the draw of its view gives.
class Shift final : public Transform {
 public:
  void apply(const uint8_t* in, const Layout& layout, uint8_t* out, Random& random) const override {
    const auto by = static_cast<uint8_t>(random.below(8));
    for (int64_t i = 0; i < layout.bytes(); ++i) out[i] = static_cast<uint8_t>(in[i] + by);
  }
};

/// Image i of `count` has the value 10 (i + 1); those of `cut` end too early.
std::unique_ptr<ExampleStore> lazy_store(const TemporaryFolder& folder, int count, const std::set<int>& cut) {
  for (int i = 0; i < count; ++i) {
    const std::string whole = grey_png(10 * (i + 1));
    folder.write(std::to_string(i) + ".png", cut.contains(i) ? whole.substr(0, whole.size() - 20) : whole);
  }
  return make_store(open_dataset(folder.path(), {}).train, images(), {.layout = kShape, .cache_bytes = 0});
}

StreamSpec all_of(const ExampleStore& store, int64_t batch) {
  StreamSpec spec;
  for (int64_t i = 0; i < store.size(); ++i) {
    spec.pool.push_back(i);
    spec.labels.push_back(static_cast<int32_t>(i));
  }
  spec.transforms = {std::make_shared<Shift>()};
  spec.batch = batch;
  return spec;
}

std::vector<RawBatch> batches(const ExampleStore& store, int count, const LoaderOptions& options) {
  Loader loader(store, all_of(store, 3), all_of(store, 7), options);
  std::vector<RawBatch> result;
  for (int t = 0; t < count; ++t) result.push_back(loader.next());
  return result;
}

void expect_equal(const std::vector<RawBatch>& a, const std::vector<RawBatch>& b, std::size_t from) {
  for (std::size_t t = 0; t < b.size(); ++t)
    for (const auto stream : {&RawBatch::labeled, &RawBatch::unlabeled}) {
      EXPECT_EQ((a[from + t].*stream).views, (b[t].*stream).views) << t;
      EXPECT_EQ((a[from + t].*stream).index, (b[t].*stream).index) << t;
      EXPECT_EQ((a[from + t].*stream).label, (b[t].*stream).label) << t;
    }
}

TEST(LoaderDamage, WhatIsWholeComesInItsPlace) {
  const TemporaryFolder folder;
  const auto store = lazy_store(folder, 9, {2, 5});
  const auto taken = batches(*store, 30, {.seed = 3, .workers = 0});
  std::set<int64_t> seen;
  for (const RawBatch& batch : taken)
    for (const RawViews* views : {&batch.labeled, &batch.unlabeled})
      for (std::size_t i = 0; i < views->index.size(); ++i) {
        const int64_t index = views->index[i];
        seen.insert(index);
        EXPECT_EQ(views->views[0][16 * i] / 10, index + 1);  // pixels, index and label are those of one example
        EXPECT_EQ(views->label[i], views == &batch.labeled ? index : kUnlabeled);
      }
  EXPECT_EQ(seen, (std::set<int64_t>{0, 1, 3, 4, 6, 7, 8}));
  EXPECT_EQ(store->damage().size(), 2u);
}

TEST(LoaderDamage, DependsOnSeedAndStepAlone) {
  const TemporaryFolder folder;
  const auto expected = batches(*lazy_store(folder, 9, {2, 5}), 30, {.seed = 3, .workers = 0});
  for (const int workers : {0, 1, 4}) {
    const auto store = lazy_store(folder, 9, {2, 5});
    expect_equal(expected, batches(*store, 30, {.seed = 3, .workers = workers}), 0);
    // Going on, with all damage known by now and with none.
    for (const auto& other : {batches(*store, 13, {.seed = 3, .workers = workers, .first_batch = 17}),
                              batches(*lazy_store(folder, 9, {2, 5}), 13, {.seed = 3, .first_batch = 17})})
      expect_equal(expected, other, 17);
  }
}

TEST(LoaderDamage, APoolWithNothingWholeIsRefused) {
  const TemporaryFolder folder;
  const auto store = lazy_store(folder, 4, {0, 1, 2, 3});
  for (const int workers : {0, 2}) {
    Loader loader(*store, {}, all_of(*store, 7), {.workers = workers});
    expect_error(ErrorKind::data, "none of the 4 unlabelled examples can be decoded", [&] { loader.next(); });
  }
}

}  // namespace
}  // namespace fewlabel::testing
