// What every use case prepares before it can train or evaluate: data, split, pools.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "fewlabel/modality.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

/// Examples of one store with their labels.
struct Pool {
  std::vector<int64_t> index;  // into the store
  std::vector<int32_t> label;  // kUnlabeled where there is none
  int64_t size() const { return static_cast<int64_t>(index.size()); }
};

/// Where the labels that measure a run come from.
enum class Judge { none, test_set, validation, hidden_labels, held_out };
std::string_view to_string(Judge judge);  // "none", "test set" …

struct PreparedData {
  Dataset dataset;
  SplitSpec split;
  std::shared_ptr<const Modality> modality;         // of the run; fitted to the training source
  Layout found;                                     // commonest layout before anything is resized or cut
  std::shared_ptr<const ExampleStore> train, test;  // test may be null
  std::shared_ptr<const Source> validation_source;  // what data.validation names; null: nothing
  std::shared_ptr<const ExampleStore> validation;   // its store
  Pool validated;                                   // of that store, all labelled
  Pool labeled, unlabeled;   // of the training store; unlabelled ones carry hidden labels where known
  bool transcribed = false;  // labels are transcripts, and dataset.classes the symbols that they are made of
  Judge judge = Judge::none;
  Pool judged;  // what accuracy is measured on
  bool labels_needed = true;
  std::shared_ptr<const Source> made;              // what data.virtual names; null: nothing
  std::shared_ptr<const ExampleStore> made_store;  // its store
  Pool virtual_examples;                           // of that store, with the labels of `dataset`
  const ExampleStore& judged_store() const {
    return judge == Judge::test_set ? *test : judge == Judge::validation ? *validation : *train;
  }
  std::shared_ptr<const Source> judged_source() const {
    return judge == Judge::test_set ? dataset.test : judge == Judge::validation ? validation_source : dataset.train;
  }
};

/// ": 3 damaged ones are left out, the first is a.png, which is cut short"; empty where nothing is damaged or `store`
/// is null. Behind a sentence that says that examples are missing.
std::string damage_clause(const ExampleStore* store);

/// The same data without the labels of one fold, which judge in their place: fold 1 … folds, each class dealt out in an
/// order that `seed` shuffles. A class with one label keeps it in every fold. What is held out is not learnt from at
/// all.
PreparedData without_fold(const PreparedData& data, int64_t fold, int64_t folds, int64_t seed);
/// How many folds the labels allow: 0 where every class has one label, else 2 to 4.
int64_t possible_folds(const PreparedData& data);

/// All examples of a source that have a label, or a transcript.
Pool labeled_pool(const Source& source);
/// The examples of `pool` but those of its store that `left_out` lists.
Pool without(const Pool& pool, const std::vector<int64_t>& left_out);
/// Decodes those of `pool` that `store` has not decoded yet, and takes out the damaged ones.
void drop_damaged(Pool& pool, const ExampleStore& store);

/// Opens the data and applies the split, without decoding; found, dataset, split, pools are set.
/// Without `labels_needed` any data will do, labelled or not.
PreparedData open_data(const DataConfig& config, bool labels_needed = true);
PreparedData open_data(const DataPlan& plan, bool labels_needed = true);
/// The layout that a plan brings examples into.
Layout layout_of(const DataPlan& plan, const Layout& found);
/// Decodes at the plan's layout and takes damaged examples out of the pools. Where the values do not fit the cache, the
/// unlabelled pool may be millions: of that, damage is left for the loader to meet.
/// Throws Error{data}: nothing left to learn from, or (strict) a damaged example.
void load_data(PreparedData& data, const DataPlan& plan, int threads);

/// data.json: hashes, indices of the split, damaged examples.
Json describe_data(const PreparedData& data);

/// 1.0 / classes-like shares of the labelled pool.
std::vector<double> class_share(const PreparedData& data);
/// What data.shares says of the unlabelled pool, as numbers that sum to 1; empty for auto.
/// Throws Error{usage}: anything but auto, labels, uniform or a positive number for each class.
std::vector<double> pool_share(const PreparedData& data, const std::string& shares);

}  // namespace fewlabel
