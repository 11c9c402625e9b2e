// Data: sources of examples, datasets with their splits, and what `data inspect` reports. Free of libtorch.
// Sources are immutable after construction; all const functions may be called from several threads at once.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fewlabel/layout.h"
#include "fewlabel/sound.h"

namespace fewlabel {

inline constexpr int32_t kUnlabeled = -1;  // the label of an example that has none

/// What a source holds of one example, before anybody knows what it means: a file, a line of text, a record.
struct Raw {
  std::vector<uint8_t> bytes;
  Layout layout = {};         // where the bytes are values already; without sizes: they are a file or a text
  int64_t size = 0;           // of all bytes, where these are the first of them; otherwise as many
  std::string file = {};      // where the bytes are left in a file that may be long: its path
  double begin = 0, end = 0;  // seconds of a recording that are meant; end 0: to its end
};

/// One collection of examples in one format.
class Source {
 public:
  virtual ~Source() = default;
  virtual int64_t size() const = 0;
  /// Path or key that a person can find the example by.
  virtual std::string name(int64_t index) const = 0;
  /// Index into classes(), or kUnlabeled.
  virtual int32_t label(int64_t index) const = 0;
  /// Class names in label order.
  virtual const std::vector<std::string>& classes() const = 0;
  virtual Kind kind() const = 0;
  /// Whether what is known of an example is a transcript. Then label() is 0 where it has one, of the only class.
  virtual bool transcribed() const { return false; }
  /// UTF-8, as it was written; empty where there is none.
  virtual std::string transcript(int64_t index) const { return static_cast<void>(index), std::string(); }
  /// Thread-safe. Throws Error{data} when it is missing or over the limits.
  virtual Raw raw(int64_t index) const = 0;
  /// As much of raw() as a header takes: at least the first 64 KiB. Thread-safe.
  virtual Raw head(int64_t index) const { return raw(index); }
};

/// `PATH`, or a known name such as `fashion_mnist`, then optionally `@N` labels, then `:key=value` options:
/// `fashion_mnist@100:seed=0`, `photos@40`, `photos:labels=chosen.txt`.
struct SplitSpec {
  std::string data;               // path or known name
  std::optional<int64_t> labels;  // keep this many labels, balanced by class
  int64_t seed = 0;               // of the draw
  std::string labels_file;        // names (or indices) of the examples that keep their label, one a line
};
/// Throws Error{usage}.
SplitSpec parse_split(const std::string& text);
std::string to_string(const SplitSpec& spec);

/// Indices of the examples that keep their label. Balanced by class: labels/classes each, the remainder to the
/// classes drawn first; keyed by (seed, "split"). Throws Error{data}: more asked than there are, a class without a
/// label.
std::vector<int64_t> choose_labeled(const Source& source, const SplitSpec& spec);

/// How a list of labels names an example on one line: as it is called, or, where control characters, spaces at an end
/// or a quote in front would not survive that, in quotes with \", \\ and \x0a.
std::string line_of_name(const std::string& name);

struct DataOptions {
  bool strict = false;               // refuse a damaged file instead of leaving it out
  int64_t max_pixels = 178'956'970;  // a larger image is refused before memory is taken
  std::string classes = {};          // comma-separated; empty: found in the data
  std::optional<Kind> kind = {};     // where a path holds several: which is meant
  FrontEnd sound = {};               // of recordings
  std::string target = "auto";       // of recordings: class or transcript; auto: found
  std::string text = {};             // tables: names (or numbers, from 1) of the columns with the text; empty: found
  std::string columns = {};          // tables: "path:img,label:breed"; what it does not say is found
  std::string encoding = {};         // of text files, as iconv knows it; empty: UTF-8, or UTF-16 with a byte order mark
};

/// An example that could not be used, and why.
struct Damage {
  std::string name, reason;
};

/// A training source and, where there are such, one to test on and one to report on beside, with the same classes.
struct Dataset {
  std::string name;    // as a person would call it: "fashion_mnist", the folder's name
  std::string origin;  // absolute path, or the known name
  std::shared_ptr<const Source> train;
  std::shared_ptr<const Source> test, validation = nullptr;  // may be null; never learnt from
  std::vector<std::string> classes;
  std::vector<std::string> notes = {};  // how the data was understood where that had to be guessed; sentences
  std::string title = {};               // for a headline: "Fashion-MNIST", else the name
};

/// Opens PATH (folder of images or texts, table, lines of text, IDX, CIFAR binary, NPY, tar shards; told apart by
/// content) or a known name. Names of files and folders say what is to train, to test and to validate on. `test_path`
/// names a separate test set. Throws Error{data}.
Dataset open_dataset(const std::string& path_or_name, const DataOptions& options, const std::string& test_path = {});

/// Whether a file is one of many examples: a table, a shard, NPY, CIFAR binary by its suffix, IDX by its content. False
/// for what cannot be read.
bool is_dataset_file(const std::string& path);

/// Examples of a source in one layout, in memory when they fit `cache_bytes`, else decoded on demand.
/// fetch is thread-safe and deterministic.
class ExampleStore {
 public:
  virtual ~ExampleStore() = default;
  virtual int64_t size() const = 0;
  virtual const Layout& layout() const = 0;
  /// Writes layout().bytes() bytes. Damaged examples (see damaged()) give zeros; do not train on them. Of what is
  /// longer than a view, the part in the middle.
  virtual void fetch(int64_t index, uint8_t* out) const = 0;
  /// The same; false for a damaged example.
  virtual bool try_fetch(int64_t index, uint8_t* out) const {
    fetch(index, out);
    return true;
  }
  /// What transforms make views of: as a rule what fetch() gives (see Modality::kept).
  virtual const Layout& kept_layout() const { return layout(); }
  virtual bool fetch_kept(int64_t index, uint8_t* out) const { return try_fetch(index, out); }
  /// How many views it takes to see all of an example: its answer is the mean of theirs. `kept`: of fetch_kept().
  virtual int64_t parts(const uint8_t* kept) const {
    static_cast<void>(kept);
    return 1;
  }
  /// Writes layout().bytes() bytes.
  virtual void see_part(const uint8_t* kept, int64_t part, uint8_t* out) const;
  /// Decodes those that nobody has looked at yet, so that damaged() is complete for them.
  virtual void check(const std::vector<int64_t>& indices) const { static_cast<void>(indices); }
  /// Indices that could not be decoded; complete when cached, else those met so far (see check()).
  virtual std::vector<int64_t> damaged() const = 0;
  virtual const std::vector<Damage>& damage() const = 0;
  /// XXH3-128 over names, labels and, when cached, values.
  virtual const std::string& content_hash() const = 0;
};
class Modality;
struct StoreOptions {
  Layout layout;
  int64_t cache_bytes = 600 << 20;
  int threads = 2;
  bool strict = false;
  std::string disk_cache = {};   // folder where decoded files are kept for the next run; empty: nowhere
  int64_t disk_cache_bytes = 0;  // that folder holds at most
  double worth_seconds = 0.5;    // what was decoded faster than this is not kept
};
/// Throws Error{usage}: a layout that the modality cannot make.
std::unique_ptr<ExampleStore> make_store(std::shared_ptr<const Source> source, std::shared_ptr<const Modality> modality,
                                         const StoreOptions& options);

}  // namespace fewlabel
