#include "data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"

namespace fewlabel {
namespace {

using Clock = std::chrono::steady_clock;
using Order = std::shared_ptr<const std::vector<int64_t>>;

/// The orders of the epochs that workers are in, each made once: an order of a million examples takes eight megabytes.
class Orders {
 public:
  Orders(uint64_t seed, std::string_view purpose, int64_t count) : seed_(seed), purpose_(purpose), count_(count) {}

  Order of_epoch(int64_t epoch) {
    const std::lock_guard lock(mutex_);
    for (const auto& [known, order] : recent_) {
      if (known == epoch) return order;
    }
    const RandomKey key{.seed = seed_, .purpose = purpose_, .epoch = static_cast<uint64_t>(epoch)};
    auto order = std::make_shared<const std::vector<int64_t>>(permutation(key, count_));
    recent_.emplace_back(epoch, order);
    if (recent_.size() > kKept) recent_.pop_front();
    return order;
  }

 private:
  static constexpr std::size_t kKept = 2;  // workers are a few batches apart: this epoch and the next
  std::mutex mutex_;
  std::deque<std::pair<int64_t, Order>> recent_;
  uint64_t seed_;
  std::string_view purpose_;
  int64_t count_;
};

struct StreamNames {
  std::string_view stream, augment, order;  // for people; of the draws of its views; of its orders
};

struct Stream {
  Stream(const ExampleStore& from, StreamSpec given, uint64_t seed, const StreamNames& names)
      : store(&from),
        spec(std::move(given)),
        name(names.stream),
        purpose(names.augment),
        orders(seed, names.order, static_cast<int64_t>(spec.pool.size())) {}
  bool exists() const { return !spec.transforms.empty() && spec.batch > 0; }

  const ExampleStore* store;
  StreamSpec spec;
  std::string_view name, purpose;
  Orders orders;
};
constexpr int kLabeledStream = 0, kUnlabeledStream = 1, kGuestStream = 2, kStreams = 3;

/// The guests of a stream as a stream of their own.
StreamSpec guests_of(const StreamSpec& host) {
  if (!host.guests.store) return {};
  return {host.guests.pool, host.guests.labels, host.transforms, host.guests.batch};
}

/// Writes the values of the example at `first` of the order or, where that is damaged, of the next that is whole, and
/// returns which of the pool that is: a matter of the order alone, whoever asks and whatever damage is known by then.
std::size_t fetch_whole(const Stream& stream, const std::vector<int64_t>& order, int64_t first, uint8_t* values) {
  const auto count = static_cast<int64_t>(order.size());
  for (int64_t k = 0; k < count; ++k) {
    const auto example = static_cast<std::size_t>(order[static_cast<std::size_t>((first + k) % count)]);
    if (stream.store->fetch_kept(stream.spec.pool[example], values)) return example;
  }
  throw Error(ErrorKind::data, "loader",
              fmt::format("none of the {} {} examples can be decoded", with_commas(count), stream.name),
              "fewlabel data inspect says of each what is wrong with it");
}

/// What one worker keeps between batches.
struct Worker {
  std::vector<uint8_t> values, other;      // an example, and one that is mixed into views of it
  int64_t epoch[kStreams] = {-1, -1, -1};  // of each stream
  Order order[kStreams];
};

struct Slot {
  RawBatch batch;
  int64_t ready = -1;  // the batch number it holds
  std::exception_ptr error;
};

void check(const StreamSpec& spec, const ExampleStore& store, const std::string& name) {
  const auto refuse = [](std::string message, std::string hint) {
    throw Error(ErrorKind::data, "loader", std::move(message), std::move(hint));
  };
  if (spec.transforms.empty() || spec.batch <= 0) return;
  if (spec.pool.empty()) refuse("there are no " + name + " examples to train on", "check the split and the data");
  if (name != "unlabelled" && spec.labels.size() != spec.pool.size()) {
    refuse("the " + name + " pool has " + std::to_string(spec.pool.size()) + " examples and " +
               std::to_string(spec.labels.size()) + " labels",
           "give one label for each example");
  }
  const auto [low, high] = std::minmax_element(spec.pool.begin(), spec.pool.end());
  if (*low < 0 || *high >= store.size()) {
    refuse("the " + name + " pool names an example outside of the " + std::to_string(store.size()) + " there are",
           "make the pool from this store's indices");
  }
}

void prepare(RawViews& views, const StreamSpec& spec, int64_t bytes) {
  if (spec.transforms.empty() || spec.batch <= 0) return;
  const auto batch = static_cast<std::size_t>(spec.batch + spec.guests.batch);
  views.views.assign(spec.transforms.size(), std::vector<uint8_t>(batch * static_cast<std::size_t>(bytes)));
  views.index.resize(batch);
  views.label.resize(batch);
}

}  // namespace

struct Loader::Impl {
  Impl(const ExampleStore& given, const StreamSpec& labeled, StreamSpec unlabeled, LoaderOptions given_options)
      : options(given_options),
        layout(given.layout()),
        kept_bytes(static_cast<std::size_t>(given.kept_layout().bytes())),
        streams{{given, labeled, options.seed, {"labelled", "augment/labeled", "order/labeled"}},
                {given, std::move(unlabeled), options.seed, {"unlabelled", "augment/unlabeled", "order/unlabeled"}},
                {labeled.guests.store ? *labeled.guests.store : given,
                 guests_of(labeled),
                 options.seed,
                 {"virtual", "augment/guests", "order/guests"}}},
        slots(options.workers > 0 ? static_cast<std::size_t>(std::max(options.ahead, 1)) + 1 : 1),
        next_to_make(options.first_batch),
        next_to_take(options.first_batch),
        oldest_held(options.first_batch) {
    for (const Stream& stream : streams) check(stream.spec, *stream.store, std::string(stream.name));
    if (!(streams[kGuestStream].store->kept_layout() == given.kept_layout()))
      throw Error(ErrorKind::failure, "loader", "virtual examples have another layout than the others");
    for (Slot& slot : slots) {
      prepare(slot.batch.labeled, streams[kLabeledStream].spec, layout.bytes());
      prepare(slot.batch.unlabeled, streams[kUnlabeledStream].spec, layout.bytes());
    }
    if (options.workers <= 0) {
      inline_worker.values.resize(kept_bytes);
      return;
    }
    for (int i = 0; i < options.workers; ++i) {
      threads.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }

  ~Impl() {
    for (std::jthread& thread : threads) thread.request_stop();  // all at once; then each is joined
  }

  Slot& slot_of(int64_t t) { return slots[static_cast<std::size_t>(t) % slots.size()]; }

  void work(const std::stop_token& stop) {
    Worker worker;
    worker.values.resize(kept_bytes);
    for (;;) {
      int64_t t = 0;
      {
        std::unique_lock lock(mutex);
        const auto room = [&] { return next_to_make < oldest_held + static_cast<int64_t>(slots.size()); };
        if (!may_make.wait(lock, stop, [&] { return failed || room(); }) || stop.stop_requested() || failed) return;
        t = next_to_make++;
      }
      Slot& slot = slot_of(t);
      std::exception_ptr error;
      try {
        make(worker, t, slot.batch);
      } catch (...) {
        error = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex);
        slot.ready = t;
        slot.error = error;
        failed = failed || error;
      }
      made.notify_one();
      if (error) may_make.notify_all();
    }
  }

  void make(Worker& worker, int64_t t, RawBatch& batch) {
    const auto& own = streams[kLabeledStream];
    if (own.exists()) fill(worker, kLabeledStream, t, {batch.labeled});
    if (streams[kUnlabeledStream].exists()) fill(worker, kUnlabeledStream, t, {batch.unlabeled});
    if (own.exists() && streams[kGuestStream].exists())
      fill(worker, kGuestStream, t, {batch.labeled, own.spec.batch, static_cast<int64_t>(own.spec.pool.size())});
  }

  struct Place {
    RawViews& out;
    int64_t first = 0;        // where in the batch
    int64_t first_index = 0;  // the number of the pool's first example
  };
  void fill(Worker& worker, int s, int64_t t, Place place) {
    RawViews& out = place.out;
    Stream& stream = streams[s];
    const StreamSpec& spec = stream.spec;
    const int64_t bytes = layout.bytes(), count = static_cast<int64_t>(spec.pool.size());
    for (int64_t i = 0; i < spec.batch; ++i) {
      const int64_t position = t * spec.batch + i, epoch = position / count;
      if (worker.epoch[s] != epoch) {
        worker.order[s] = stream.orders.of_epoch(epoch);
        worker.epoch[s] = epoch;
      }
      const std::vector<int64_t>& order = *worker.order[s];
      const int64_t at = order[static_cast<std::size_t>(position % count)];
      const auto example = fetch_whole(stream, order, position % count, worker.values.data());
      const auto to = static_cast<std::size_t>(place.first + i);
      out.index[to] = place.first_index + static_cast<int64_t>(example);
      out.label[to] = s == kUnlabeledStream ? kUnlabeled : spec.labels[example];
      for (std::size_t v = 0; v < spec.transforms.size(); ++v) {
        Random random({.seed = options.seed,
                       .purpose = stream.purpose,
                       .epoch = static_cast<uint64_t>(epoch),
                       .index = static_cast<uint64_t>(at),
                       .view = v});
        uint8_t* view = out.views[v].data() + (place.first + i) * bytes;
        const Transform& transform = *spec.transforms[v];
        if (transform.mixes() && fetch_other(worker, random))
          transform.mix(worker.values.data(), worker.other.data(), layout, view, random);
        else
          transform.apply(worker.values.data(), layout, view, random);
      }
    }
  }

  /// One of the unlabelled examples or, where the run has none, of the labelled. False: what was drawn is damaged.
  bool fetch_other(Worker& worker, Random& random) const {
    const Stream& stream = streams[streams[kUnlabeledStream].exists() ? kUnlabeledStream : kLabeledStream];
    const std::vector<int64_t>& pool = stream.spec.pool;
    worker.other.resize(kept_bytes);
    return stream.store->fetch_kept(pool[random.below(static_cast<uint32_t>(pool.size()))], worker.other.data());
  }

  const RawBatch& next() {
    const auto start = Clock::now();
    const int64_t t = next_to_take;
    Slot& slot = slot_of(t);
    if (threads.empty()) {
      make(inline_worker, t, slot.batch);
    } else {
      std::unique_lock lock(mutex);
      oldest_held = t;  // the batch before is given back
      may_make.notify_one();
      // After a failure no batch beyond those begun is made, and every one begun comes before or is the failed one.
      made.wait(lock, [&] { return slot.ready == t; });
    }
    waited += std::chrono::duration<double>(Clock::now() - start).count();
    if (slot.error) std::rethrow_exception(slot.error);
    ++next_to_take;
    return slot.batch;
  }

  const LoaderOptions options;
  const Layout layout;
  const std::size_t kept_bytes;
  Stream streams[kStreams];
  std::vector<Slot> slots;
  Worker inline_worker;
  double waited = 0;

  std::mutex mutex;  // guards what follows, and Slot::ready and Slot::error
  std::condition_variable_any may_make, made;
  int64_t next_to_make, next_to_take, oldest_held;
  bool failed = false;
  std::vector<std::jthread> threads;  // last: they stop and join before anything they use goes
};

Loader::Loader(const ExampleStore& store, StreamSpec labeled, StreamSpec unlabeled, LoaderOptions options)
    : impl_(std::make_unique<Impl>(store, std::move(labeled), std::move(unlabeled), options)) {}

Loader::~Loader() = default;

const RawBatch& Loader::next() { return impl_->next(); }

double Loader::waited() const { return impl_->waited; }

}  // namespace fewlabel
