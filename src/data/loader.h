// Batches of augmented views, made by native threads ahead of the step. Batch t depends on (seed, t) alone: any number
// of workers gives the same bytes, and a resumed run starts at any t.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fewlabel/dataset.h"
#include "fewlabel/transform.h"

namespace fewlabel {

/// One stream of a batch: view v of its i-th example is at views[v][i * layout.bytes()].
struct RawViews {
  std::vector<std::vector<uint8_t>> views;
  std::vector<int64_t> index;  // position in the pool (0 … pool size - 1), not in the source; of what stands in, if so
  std::vector<int32_t> label;  // kUnlabeled throughout for the unlabelled stream
  int64_t size() const { return static_cast<int64_t>(index.size()); }
};
struct RawBatch {
  RawViews labeled, unlabeled;
};

/// Examples of another store that come behind those of a stream, in its views (virtual examples behind labelled ones).
/// Their index goes on from the stream's own pool.
struct Guests {
  const ExampleStore* store = nullptr;  // null: none; must outlive the loader
  std::vector<int64_t> pool;            // indices into it
  std::vector<int32_t> labels;          // one for each of `pool`
  int64_t batch = 0;                    // how many come with each batch
};

/// One stream: which examples, in which views, how many a batch.
struct StreamSpec {
  std::vector<int64_t> pool;                                 // indices into the store
  std::vector<int32_t> labels;                               // one for each of `pool`
  std::vector<std::shared_ptr<const Transform>> transforms;  // one a view; empty: no such stream
  int64_t batch = 0;
  Guests guests = {};
};

struct LoaderOptions {
  uint64_t seed = 0;
  int workers = 1;          // 0: in the calling thread
  int ahead = 4;            // batches prepared in advance
  int64_t first_batch = 0;  // where a resumed run goes on
};

/// Examples come in the order of a keyed permutation per epoch, so each is seen once an epoch; a pool smaller than a
/// batch is repeated. Draws are keyed by (seed, stream, epoch, example, view). In the place of an example that turns
/// out to be damaged comes the next of the epoch's order that is not, once more, in views drawn for that place; next()
/// throws Error{data} where a pool holds no other.
class Loader {
 public:
  Loader(const ExampleStore& store, StreamSpec labeled, StreamSpec unlabeled, LoaderOptions options);
  ~Loader();
  /// The next batch, in order. Valid until the next call. Rethrows what a worker threw.
  const RawBatch& next();
  /// Seconds that next() has waited so far.
  double waited() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fewlabel
