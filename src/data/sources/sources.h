// One opener per format; dataset.cpp tells the formats apart and calls these. Inside src/data only.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/byte_file.h"
#include "fewlabel/dataset.h"

namespace fewlabel {

/// What every opener gets.
struct OpenRequest {
  std::filesystem::path path;
  DataOptions options;
  std::vector<std::string> classes;  // wanted names in order; empty: found in the data
};
/// A training source and perhaps one to test on and one to report on beside; all have the same classes.
struct Opened {
  std::shared_ptr<const Source> train, test, validation;
  std::vector<std::string> notes = {};  // for Dataset::notes
};

/// The one class of a source whose labels are transcripts.
inline constexpr const char* kTranscribed = "transcribed";

/// Of a dataset of transcripts. Throws Error{usage} where classes were asked for.
void need_no_classes(const OpenRequest& request);

/// A source that was gathered from among other files or members; `inspect` asks by dynamic_cast.
struct Gathered {
  virtual ~Gathered() = default;
  virtual int64_t left_out() const = 0;  // what lies beside the examples and is none by its suffix
};

/// A source some of whose examples are known to be damaged before anybody decodes them; asked by dynamic_cast.
struct Faulty {
  virtual ~Faulty() = default;
  virtual bool faulty(int64_t index) const = 0;
};

/// IDX or IDX.gz: a folder of pairs (train-images-idx3-ubyte with train-labels-idx1-ubyte, t10k- or test- likewise,
/// unlabeled- without labels), or the images file of one pair.
Opened open_idx(const OpenRequest& request);
bool is_idx_folder(const std::filesystem::path& folder);
bool is_idx_file(const std::filesystem::path& file);

/// CIFAR-10 or CIFAR-100 binary: the folder as distributed, or one .bin file.
Opened open_cifar(const OpenRequest& request);
bool is_cifar_folder(const std::filesystem::path& folder);

/// images.npy (or x.npy) and labels.npy (or y.npy), also train_/test_ and _train/_test; or one images file.
Opened open_npy(const OpenRequest& request);
bool is_npy_folder(const std::filesystem::path& folder);

/// A folder per class with images or texts, unlabeled/, loose files unlabelled; train/ and test/ (else val/) give both
/// splits.
Opened open_class_folder(const OpenRequest& request);

/// CSV, TSV or JSONL whose rows name files or hold texts or numbers, or a file with a text a line; or a folder of them.
Opened open_manifest(const OpenRequest& request);
bool is_manifest(const std::filesystem::path& file);    // a table, by its suffix
bool is_lines_file(const std::filesystem::path& file);  // a text a line, by its suffix
/// The training file of a folder: train.* (or manifest.*, labels.*, metadata.*), X.train, train.txt; empty when none.
std::vector<std::filesystem::path> find_manifests(const std::filesystem::path& folder);

/// A data folder of Kaldi, with wav.scp and text, or folders of them called train and test.
Opened open_kaldi(const OpenRequest& request);
bool is_kaldi_folder(const std::filesystem::path& folder);

/// WebDataset tar shards: a folder of them, one file, or a pattern with * and ?.
Opened open_shards(const OpenRequest& request);
bool is_shard(const std::filesystem::path& file);
bool is_shard_folder(const std::filesystem::path& folder);

/// What a known name such as fashion_mnist stands for.
struct KnownDataset {
  std::filesystem::path path;
  std::vector<std::string> classes;
};
/// Nothing when `name` is not a known name. Throws Error{data} when it is known but not on this machine.
std::optional<KnownDataset> find_known(const std::string& name);
const std::vector<std::string>& known_names();
/// What people write for a known name: "Fashion-MNIST"; the name itself where that is not known.
std::string known_title(const std::string& name);

}  // namespace fewlabel
