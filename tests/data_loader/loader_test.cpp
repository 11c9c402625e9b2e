#include "data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "fewlabel/transform.h"

namespace fewlabel {
namespace {

using testing::HasSubstr;

/// Every pixel of example i says i.
class FakeStore final : public ExampleStore {
 public:
  explicit FakeStore(int64_t size) : size_(size) {}
  int64_t size() const override { return size_; }
  const Layout& layout() const override {
    static const Layout layout = ImageShape{4, 4, 3};
    return layout;
  }
  void fetch(int64_t index, uint8_t* out) const override {
    if (fetches_++ == throw_at) throw Error(ErrorKind::data, "fake", "the disk is gone", "find it");
    if (slow) std::this_thread::sleep_for(std::chrono::microseconds(50));
    for (int64_t i = 0; i < layout().bytes(); ++i) out[i] = static_cast<uint8_t>(index * 3 + i);
  }
  std::vector<int64_t> damaged() const override { return {}; }
  const std::vector<Damage>& damage() const override { return none_; }
  const std::string& content_hash() const override { return hash_; }

  int64_t throw_at = -1;
  bool slow = false;
  int64_t fetches() const { return fetches_; }

 private:
  int64_t size_;
  mutable std::atomic<int64_t> fetches_{0};
  std::vector<Damage> none_;
  std::string hash_;
};

StreamSpec stream(std::vector<int64_t> pool, int64_t batch, const std::vector<std::string>& policies) {
  StreamSpec spec;
  for (const int64_t i : pool) spec.labels.push_back(static_cast<int32_t>(i % 10));
  spec.pool = std::move(pool);
  spec.batch = batch;
  for (const std::string& policy : policies) spec.transforms.push_back(make_image_transform(policy));
  return spec;
}
std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> out(static_cast<std::size_t>(end - begin));
  std::iota(out.begin(), out.end(), begin);
  return out;
}
StreamSpec labeled() { return stream(range(0, 7), 4, {"flip+crop(0.25)"}); }
StreamSpec unlabeled() { return stream(range(7, 60), 12, {"flip+crop(0.25)", "randaugment(n=2)+cutout(0.5)"}); }

void append(const RawViews& views, std::vector<uint8_t>& out) {
  for (const auto& view : views.views) out.insert(out.end(), view.begin(), view.end());
  for (const int64_t index : views.index) out.push_back(static_cast<uint8_t>(index));
  for (const int32_t label : views.label) out.push_back(static_cast<uint8_t>(label));
}
std::vector<std::vector<uint8_t>> bytes_of(Loader& loader, int batches) {
  std::vector<std::vector<uint8_t>> out(static_cast<std::size_t>(batches));
  for (auto& batch : out) {
    const RawBatch& raw = loader.next();
    append(raw.labeled, batch);
    append(raw.unlabeled, batch);
  }
  return out;
}

TEST(Loader, AnyNumberOfWorkersGivesTheSameBytes) {
  const FakeStore store(60);
  Loader inline_loader(store, labeled(), unlabeled(), {.seed = 3, .workers = 0});
  const auto expected = bytes_of(inline_loader, 50);
  for (const int workers : {1, 2, 4, 9}) {
    for (const int ahead : {0, 1, 5}) {
      Loader loader(store, labeled(), unlabeled(), {.seed = 3, .workers = workers, .ahead = ahead});
      EXPECT_EQ(bytes_of(loader, 50), expected) << workers << " workers, " << ahead << " ahead";
    }
  }
}

TEST(Loader, SeedChangesTheBatches) {
  const FakeStore store(60);
  Loader first(store, labeled(), unlabeled(), {.seed = 3}), second(store, labeled(), unlabeled(), {.seed = 4});
  EXPECT_NE(bytes_of(first, 2), bytes_of(second, 2));
}

TEST(Loader, ResumesAtAnyBatch) {
  const FakeStore store(60);
  Loader whole(store, labeled(), unlabeled(), {.seed = 3, .workers = 2});
  const auto all = bytes_of(whole, 30);
  for (const int first : {1, 7, 23}) {
    Loader rest(store, labeled(), unlabeled(), {.seed = 3, .workers = 2, .first_batch = first});
    const auto got = bytes_of(rest, 30 - first);
    EXPECT_TRUE(std::equal(got.begin(), got.end(), all.begin() + first)) << "from " << first;
  }
}

TEST(Loader, ShowsEachExampleOnceAnEpochInNewOrders) {
  const FakeStore store(60);
  Loader loader(store, {}, stream(range(0, 60), 7, {"none"}), {.workers = 3});
  std::vector<int64_t> seen;
  while (seen.size() < 420) {
    const RawViews& views = loader.next().unlabeled;
    seen.insert(seen.end(), views.index.begin(), views.index.end());
  }
  std::set<std::vector<int64_t>> orders;
  for (auto epoch = seen.begin(); epoch != seen.end(); epoch += 60) {
    orders.emplace(epoch, epoch + 60);
    EXPECT_EQ(std::set<int64_t>(epoch, epoch + 60).size(), 60u);
  }
  EXPECT_EQ(orders.size(), 7u);
}

TEST(Loader, GuestsComeBehindTheirHostsInTheSameViews) {
  const FakeStore store(60), other(9);
  StreamSpec host = stream(range(0, 7), 4, {"none", "flip(1)"});
  const auto alone = [&] {
    Loader loader(store, host, unlabeled(), {.seed = 3, .workers = 0});
    return bytes_of(loader, 5);
  }();
  host.guests = {.store = &other, .pool = {2, 8, 5}, .labels = {7, 8, 9}, .batch = 6};
  Loader loader(store, host, unlabeled(), {.seed = 3, .workers = 2});
  for (int t = 0; t < 5; ++t) {
    const RawBatch& raw = loader.next();
    ASSERT_EQ(raw.labeled.size(), 10);
    std::map<int64_t, int> count;
    for (std::size_t i = 4; i < 10; ++i) {
      const auto guest = static_cast<std::size_t>(raw.labeled.index[i] - 7);
      ASSERT_LT(guest, 3u);
      ++count[raw.labeled.index[i]];
      EXPECT_EQ(raw.labeled.label[i], host.guests.labels[guest]);
      EXPECT_EQ(raw.labeled.views[0][i * 48], static_cast<uint8_t>(host.guests.pool[guest] * 3));
      EXPECT_EQ(raw.labeled.views[1][i * 48 + 9], static_cast<uint8_t>(host.guests.pool[guest] * 3));  // mirrored
    }
    EXPECT_EQ(count, (std::map<int64_t, int>{{7, 2}, {8, 2}, {9, 2}}));  // each once an epoch
    // The hosts and the other stream are what they are without guests.
    RawViews hosts = raw.labeled;
    for (auto& view : hosts.views) view.resize(4 * 48);
    hosts.index.resize(4);
    hosts.label.resize(4);
    std::vector<uint8_t> bytes;
    append(hosts, bytes);
    append(raw.unlabeled, bytes);
    EXPECT_EQ(bytes, alone[static_cast<std::size_t>(t)]);
  }
}

TEST(Loader, RefusesGuestsWithoutLabels) {
  const FakeStore store(60);
  StreamSpec host = labeled();
  host.guests = {.store = &store, .pool = {1, 2}, .labels = {1}, .batch = 1};
  EXPECT_THROW(Loader(store, host, {}, {}), Error);
}

TEST(Loader, RepeatsAPoolSmallerThanABatch) {
  const FakeStore store(60);
  for (const int workers : {0, 2}) {
    Loader loader(store, stream({50, 51, 52}, 10, {"none", "flip(0.5)"}), {}, {.workers = workers});
    std::map<int64_t, int> count;
    std::set<std::string> views;
    for (int t = 0; t < 3; ++t) {
      const RawViews& got = loader.next().labeled;
      ASSERT_EQ(got.size(), 10);
      for (std::size_t i = 0; i < 10; ++i) {
        ++count[got.index[i]];
        const int64_t source = 50 + got.index[i];
        EXPECT_EQ(got.label[i], source % 10);
        EXPECT_EQ(got.views[0][i * 48],
                  static_cast<uint8_t>(source * 3));  // the pixels are the pool's, not the first's
        views.emplace(got.views[1].begin() + static_cast<int64_t>(i) * 48,
                      got.views[1].begin() + static_cast<int64_t>(i + 1) * 48);
      }
    }
    EXPECT_EQ(count, (std::map<int64_t, int>{{0, 10}, {1, 10}, {2, 10}}));
    EXPECT_EQ(views.size(), 6u);  // each example both ways: a repeat is a new draw
  }
}

TEST(Loader, HidesLabelsOfTheUnlabelledStream) {
  const FakeStore store(60);
  Loader loader(store, labeled(), unlabeled(), {});
  EXPECT_THAT(loader.next().unlabeled.label, testing::Each(kUnlabeled));
  StreamSpec bare = unlabeled();
  bare.labels.clear();
  EXPECT_NO_THROW(Loader(store, {}, bare, {}).next());
}

TEST(Loader, CarriesAnErrorToTheBatchItBelongsTo) {
  for (const int workers : {0, 1, 4}) {
    FakeStore store(60);
    store.throw_at = 16 * 5 + 3;
    Loader loader(store, labeled(), unlabeled(), {.workers = workers, .ahead = 3});
    int got = 0;
    const auto take_all = [&] {
      for (; got < 50; ++got) loader.next();
    };
    EXPECT_THROW(take_all(), Error) << workers;
    if (workers < 2) {
      EXPECT_EQ(got, 5);  // several workers meet the fatal fetch in any of the batches they are at
    }
    EXPECT_LT(got, 12);
    if (workers > 0) {
      EXPECT_THROW(loader.next(), Error);  // and again
    }
  }
}

TEST(Loader, StopsAtAnyMoment) {
  FakeStore store(60);
  store.slow = true;
  for (int taken = 0; taken < 12; ++taken) {
    Loader loader(store, labeled(), unlabeled(), {.workers = 1 + taken % 4, .ahead = 1 + taken % 3});
    for (int t = 0; t < taken / 2; ++t) loader.next();
  }
}

TEST(Loader, WorksAheadButNotFurther) {
  FakeStore store(60);
  Loader loader(store, {}, stream(range(0, 60), 10, {"none"}), {.workers = 2, .ahead = 3});
  loader.next();
  // The batch in the caller's hands and three ahead; a fifth would overwrite one of them.
  for (int i = 0; i < 1000 && store.fetches() < 40; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(store.fetches(), 40);
  EXPECT_GE(loader.waited(), 0);
}

TEST(Loader, KeepsItsBuffers) {
  const FakeStore store(60);
  Loader loader(store, labeled(), unlabeled(), {.workers = 2, .ahead = 2});
  std::set<const void*> buffers;
  for (int t = 0; t < 20; ++t) buffers.insert(loader.next().unlabeled.views[1].data());
  EXPECT_EQ(buffers.size(), 3u);
}

TEST(Loader, RefusesPoolsThatCannotBe) {
  const FakeStore store(60);
  const auto refusal = [&](StreamSpec spec) -> std::string {
    try {
      Loader loader(store, std::move(spec), {}, {});
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal(stream({}, 4, {"none"})), HasSubstr("no labelled examples"));
  EXPECT_THAT(refusal(stream({0, 60}, 4, {"none"})), HasSubstr("outside of the 60"));
  EXPECT_THAT(refusal(stream({0, -1}, 4, {"none"})), HasSubstr("outside"));
  StreamSpec unequal = stream({1, 2}, 4, {"none"});
  unequal.labels.pop_back();
  EXPECT_THAT(refusal(unequal), HasSubstr("2 examples and 1 labels"));
}

/// Writes the first value of an example, and of the one that is mixed into it.
class Beside final : public Transform {
 public:
  void apply(const uint8_t* in, const Layout& /*layout*/, uint8_t* out, Random& /*random*/) const override {
    out[0] = in[0];
    out[1] = 255;
  }
  bool mixes() const override { return true; }
  void mix(const uint8_t* in, const uint8_t* other, const Layout& /*layout*/, uint8_t* out,
           Random& /*random*/) const override {
    out[0] = in[0];
    out[1] = other[0];
  }
};

TEST(Loader, what_is_mixed_in_is_unlabelled_and_the_same_for_any_number_of_workers) {
  const FakeStore store(60);
  const auto seen = [&](int workers, bool unlabeled) {
    StreamSpec labeled = stream(range(0, 10), 4, {}), rest = stream(range(10, 60), 8, {});
    labeled.transforms = {std::make_shared<Beside>()};
    if (unlabeled) rest.transforms = {std::make_shared<Beside>()};
    Loader loader(store, labeled, rest, {.seed = 2, .workers = workers});
    std::vector<uint8_t> others;
    for (int t = 0; t < 20; ++t) {
      const RawBatch& batch = loader.next();
      for (const RawViews* views : {&batch.labeled, &batch.unlabeled})
        for (int64_t i = 0; unlabeled ? i < views->size() : views == &batch.labeled && i < views->size(); ++i)
          others.push_back(views->views[0][static_cast<std::size_t>(i * store.layout().bytes() + 1)]);
    }
    return others;
  };
  const std::vector<uint8_t> others = seen(0, true);
  EXPECT_EQ(others, seen(3, true));
  const std::set<uint8_t> met(others.begin(), others.end());
  EXPECT_GT(met.size(), 40U);
  EXPECT_GE(*met.begin(), 30);  // example 10
  // Where there are none, the labelled ones are mixed with each other.
  for (const uint8_t other : seen(1, false)) EXPECT_LT(other, 30);
}

}  // namespace
}  // namespace fewlabel
