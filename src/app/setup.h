// What every use case prepares before it can train or evaluate: data, split, pools.
#pragma once
#include <memory>
#include <vector>

#include "fewlabel/dataset.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

/// Examples of one store with their labels.
struct Pool {
  std::vector<int64_t> index;  // into the store
  std::vector<int32_t> label;  // kUnlabeled where there is none
  int64_t size() const { return static_cast<int64_t>(index.size()); }
};

/// Where the labels that measure a run come from.
enum class Judge { none, test_set, hidden_labels };

struct PreparedData {
  Dataset dataset;
  SplitSpec split;
  ImageShape found;                               // commonest shape before any resize
  std::shared_ptr<const ImageStore> train, test;  // test may be null
  Pool labeled, unlabeled;  // of the training store; unlabelled ones carry hidden labels where known
  Judge judge = Judge::none;
  Pool judged;  // what accuracy is measured on
  bool labels_needed = true;
  std::shared_ptr<const Source> made;             // what data.virtual names; null: nothing
  std::shared_ptr<const ImageStore> made_images;  // its store
  Pool virtual_examples;                          // of that store, with the labels of `dataset`
  const ImageStore& judged_store() const { return judge == Judge::test_set ? *test : *train; }
};

/// Decodes those of `pool` that `store` has not decoded yet, and takes out the damaged ones.
void drop_damaged(Pool& pool, const ImageStore& store);

/// Opens the data and applies the split, without decoding; found, dataset, split, pools are set.
/// Without `labels_needed` any data will do, labelled or not.
PreparedData open_data(const DataConfig& config, bool labels_needed = true);
/// Decodes at the plan's shape and takes damaged examples out of the pools. Where the pixels do not fit the cache, the
/// unlabelled pool may be millions: of that, damage is left for the loader to meet.
/// Throws Error{data}: nothing left to learn from, or (strict) a damaged example.
void load_data(PreparedData& data, const DataConfig& config, int threads);

/// data.json: hashes, indices of the split, damaged examples.
Json describe_data(const PreparedData& data);

/// 1.0 / classes-like shares of the labelled pool.
std::vector<double> class_share(const PreparedData& data);

}  // namespace fewlabel
