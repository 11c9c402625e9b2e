#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <list>
#include <map>
#include <mutex>

#include "core/hash.h"
#include "core/text.h"
#include "core/work.h"
#include "data/byte_file.h"
#include "data/parallel.h"
#include "data/pixel_cache.h"
#include "fewlabel/error.h"
#include "fewlabel/modality.h"

namespace fewlabel {
namespace {

/// Damage by index, noted from many threads. References to a list stay valid: a longer list is a new one.
class DamageLog {
 public:
  void note(int64_t index, Damage damage) {
    const std::lock_guard lock(mutex_);
    by_index_.try_emplace(index, std::move(damage));
  }
  std::vector<int64_t> indices() const {
    const std::lock_guard lock(mutex_);
    std::vector<int64_t> result;
    for (const auto& [index, damage] : by_index_) result.push_back(index);
    return result;
  }
  std::vector<std::pair<int64_t, Damage>> entries() const {
    const std::lock_guard lock(mutex_);
    return {by_index_.begin(), by_index_.end()};
  }
  const std::vector<Damage>& list() const {
    const std::lock_guard lock(mutex_);
    if (lists_.empty() || lists_.back().size() != by_index_.size()) {
      auto& fresh = lists_.emplace_back();
      for (const auto& [index, damage] : by_index_) fresh.push_back(damage);
    }
    return lists_.back();
  }

 private:
  mutable std::mutex mutex_;
  std::map<int64_t, Damage> by_index_;
  mutable std::list<std::vector<Damage>> lists_;
};

class Store : public ExampleStore {
 public:
  Store(std::shared_ptr<const Source> source, std::shared_ptr<const Modality> modality, const StoreOptions& options)
      : source_(std::move(source)),
        modality_(std::move(modality)),
        options_(options),
        kept_(modality_->kept(options.layout)),
        cached_(fits()) {
    if (cached_) values_.resize(static_cast<std::size_t>(source_->size() * kept_.bytes()));
    // A strict run must know of all damage before it starts, even where the values cannot be kept.
    if (cached_ && !options_.disk_cache.empty())
      decode_through_disk();
    else if (cached_ || options_.strict)
      decode_all();
    if (options_.strict && !log_.list().empty()) refuse();
    if (cached_) damaged_ = log_.indices();
    hash();
  }

  int64_t size() const override { return source_->size(); }
  const Layout& layout() const override { return options_.layout; }
  void fetch(int64_t index, uint8_t* out) const override { try_fetch(index, out); }
  bool try_fetch(int64_t index, uint8_t* out) const override {
    if (kept_ == options_.layout) return fetch_kept(index, out);
    Bytes kept(static_cast<std::size_t>(kept_.bytes()));
    const bool whole = fetch_kept(index, kept.data());
    see_part(kept.data(), parts(kept.data()) / 2, out);
    return whole;
  }
  const Layout& kept_layout() const override { return kept_; }
  int64_t parts(const uint8_t* kept) const override { return modality_->parts(kept, layout()); }
  void see_part(const uint8_t* kept, int64_t part, uint8_t* out) const override {
    modality_->plain(kept, layout(), part, out);
  }
  bool fetch_kept(int64_t index, uint8_t* out) const override {
    if (!cached_) return decode(index, out);
    const auto bytes = static_cast<std::size_t>(kept_.bytes());
    std::memcpy(out, values_.data() + static_cast<std::size_t>(index) * bytes, bytes);
    return !std::binary_search(damaged_.begin(), damaged_.end(), index);
  }
  void check(const std::vector<int64_t>& indices) const override {
    if (cached_ || options_.strict) return;
    Work work(fmt::format("checking {}s", word_for_one(source_->kind())), static_cast<int64_t>(indices.size()));
    parallel_for(static_cast<int64_t>(indices.size()), options_.threads, [&](int64_t i) {
      Bytes scratch(static_cast<std::size_t>(kept_.bytes()));
      decode(indices[static_cast<std::size_t>(i)], scratch.data());
      work.advance();
    });
  }
  std::vector<int64_t> damaged() const override { return log_.indices(); }
  const std::vector<Damage>& damage() const override { return log_.list(); }
  const std::string& content_hash() const override { return hash_; }

 private:
  bool fits() const {
    modality_->check(layout());
    return source_->size() <= options_.cache_bytes / kept_.bytes();
  }

  bool decode(int64_t index, uint8_t* out) const {
    try {
      modality_->decode(source_->name(index), source_->raw(index), kept_, out);
      return true;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      std::memset(out, 0, static_cast<std::size_t>(kept_.bytes()));
      log_.note(index, {source_->name(index), error.message()});
      return false;
    }
  }

  // Takes the values from the disk cache, or decodes them and leaves them there.
  void decode_through_disk() {
    const auto* files = dynamic_cast<const Fingerprinted*>(source_.get());
    if (!files) return decode_all();
    const PixelCache cache(options_.disk_cache, options_.disk_cache_bytes);
    const std::string key = fmt::format("{}-{}-{}{}", files->fingerprint(), fmt::join(kept_.sizes, "x"),
                                        kept_.rate > 0 ? fmt::format("{}-", kept_.rate) : "", modality_->fingerprint());
    if (auto found = cache.load(key, static_cast<int64_t>(values_.size()))) {
      values_ = std::move(found->pixels);
      for (auto& [index, damage] : found->damage) log_.note(index, std::move(damage));
      return;
    }
    const auto start = std::chrono::steady_clock::now();
    decode_all();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (taken.count() < options_.worth_seconds) return;
    DecodedPixels decoded{std::move(values_), log_.entries()};
    cache.store(key, decoded);
    values_ = std::move(decoded.pixels);
  }

  void decode_all() {
    const auto bytes = static_cast<std::size_t>(kept_.bytes());
    Work work(fmt::format("{} {}s", cached_ ? "decoding" : "checking", word_for_one(source_->kind())), size());
    parallel_for(size(), options_.threads, [&](int64_t index) {
      Bytes scratch(cached_ ? 0 : bytes);
      decode(index, cached_ ? values_.data() + static_cast<std::size_t>(index) * bytes : scratch.data());
      work.advance();
    });
  }

  [[noreturn]] void refuse() const {
    const auto& damage = log_.list();
    throw_data(damage.front().name,
               damage.size() == 1 ? damage.front().reason
                                  : fmt::format("{} (and {} more damaged examples)", damage.front().reason,
                                                with_commas(static_cast<int64_t>(damage.size()) - 1)),
               "repair or remove it, or set strict = false to leave damaged examples out");
  }

  void hash() {
    Hasher hasher;
    for (int64_t i = 0; i < size(); ++i) {
      const std::string name = source_->name(i);
      const int32_t label = source_->label(i);
      hasher.add(name.c_str(), name.size() + 1);
      hasher.add(&label, sizeof(label));
    }
    hasher.add(values_.data(), values_.size());
    // Values that are not kept are known by their files.
    if (const auto* files = dynamic_cast<const Fingerprinted*>(source_.get()); files && !cached_) {
      const std::string stamp = files->fingerprint();
      hasher.add(stamp.data(), stamp.size());
    }
    hash_ = hasher.hex();
  }

  std::shared_ptr<const Source> source_;
  std::shared_ptr<const Modality> modality_;
  StoreOptions options_;
  Layout kept_;
  bool cached_;
  std::vector<uint8_t> values_;
  std::vector<int64_t> damaged_;  // where the values are cached: all there will ever be, sorted
  mutable DamageLog log_;
  std::string hash_;
};

}  // namespace

void ExampleStore::see_part(const uint8_t* kept, int64_t /*part*/, uint8_t* out) const {
  std::memcpy(out, kept, static_cast<std::size_t>(layout().bytes()));
}

std::unique_ptr<ExampleStore> make_store(std::shared_ptr<const Source> source, std::shared_ptr<const Modality> modality,
                                         const StoreOptions& options) {
  return std::make_unique<Store>(std::move(source), std::move(modality), options);
}

}  // namespace fewlabel
