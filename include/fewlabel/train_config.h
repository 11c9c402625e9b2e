// What a training is told, and what it will do. A recipe may leave values open ("auto"): `TrainConfig` is recipe and
// overrides as written. A `Plan` leaves nothing open; plan/resolve.h makes one of the other. Free of libtorch.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "fewlabel/config.h"

namespace fewlabel {

/// Of a group of settings: as a person wrote them, or as they will be. One `fields` describes both.
enum class Form { written, planned };
/// A value that a person may leave open and a plan may not.
template <Form form, typename T>
using Open = std::conditional_t<form == Form::written, std::optional<T>, T>;
/// Its value before anybody has said anything: open, or `value`.
template <Form form, typename T>
Open<form, T> open_or(T value) {
  if constexpr (form == Form::written)
    return std::nullopt;
  else
    return value;
}

/// [data]; `data=TEXT` on the command line is short for data.path.
template <Form form>
struct DataSettings {
  std::string path;                                       // PATH or known name, with a split: fashion_mnist@100:seed=0
  std::string test;                                       // PATH of a separate test set
  std::string validation;                                 // PATH of examples that are reported on, never learnt from
  Open<form, int64_t> size = open_or<form>(int64_t{32});  // side of the square every image is resized to
  Open<form, int64_t> channels = open_or<form>(int64_t{3});  // 1 or 3
  Open<form, int64_t> length = open_or<form>(int64_t{64});   // tokens that every text is cut off at
  Open<form, int64_t> rate = open_or<form>(int64_t{16000});  // of recordings, in samples a second
  Open<form, double> seconds = open_or<form>(1.0);           // of a recording that a net sees at once
  Open<form, double> longest = open_or<form>(1.0);           // seconds that are kept of a recording
  int64_t mels = 64;                                         // bands of a spectrogram; 0: a net sees the samples
  double window_ms = 25, hop_ms = 10;                        // of the spectrogram's Fourier transform
  bool cmn = true;                 // every band of a spectrogram less its mean over the recording
  double trim_db = 0;              // silence at both ends of a recording that goes, below its loudest part; 0: it stays
  int64_t channel = 0;             // of a recording; 0: the mean of all
  std::string target = "auto";     // what is learnt of recordings: class, transcript
  std::string kind = "auto";       // image, text, table or audio, where a path holds several
  std::string text;                // columns of a table that hold the text; empty: found
  std::string columns;             // of a table: "path:img,label:breed"; empty: found
  std::string encoding;            // of text files; empty: UTF-8
  std::string tokenizer = "auto";  // tokenizer.json; auto, cased: trained on the texts
  int64_t vocabulary = 8000;       // tokens of one that is trained
  bool strict = false;
  int64_t cache_mb = 600;
  int64_t disk_cache_mb = 4096;
  std::string classes;
  std::string virtual_examples;  // key "virtual": PATH of examples that a generator made, all labelled
  double virtual_share = 0.5;    // of them among the labelled examples of a step
  std::string shares = "auto";   // classes of the unlabelled pool: auto, labels, uniform, or comma-separated numbers
  std::string mean = {}, deviation = {};  // of channels or columns, comma-separated; empty: measured
  void fields(FieldVisitor& field);
};
using DataConfig = DataSettings<Form::written>;
using DataPlan = DataSettings<Form::planned>;

/// [net]; `net=NAME` is short for net.name; `wrn_28_2` is short for name = wrn, depth = 28, width = 2; `vit_tiny` for
/// name = vit, size = tiny; `bert_mini` likewise.
template <Form form>
struct NetSettings {
  Open<form, std::string> name = open_or<form>(std::string("cnn"));  // see net_names()
  int64_t depth = 28, width = 2;                                     // wrn only
  int64_t grid = 1;            // cnn, wrn, resnet, vit: features are means over grid × grid parts of the image
  std::string stem = "auto";   // resnet only
  std::string size = "micro";  // vit, bert
  std::string shape = {};      // bert: "6x384x12x1536", blocks, width, heads, inner width; empty: by size; encoders
  double eps = 1e-12;          // bert, convnext: of layer norms
  std::string graph = {};      // onnx only: folder with an encoder.json and the files that it names
  int64_t patch = 0;           // vit only, in pixels; 0: an eighth of the side up to 64, 16 above
  std::string norm = "pre";    // bert: layer norm before each part of a block, or after it (pre, post); encoders: kept
  std::string pool = "mean";   // bert only: features are the mean of the tokens or the first one (mean, first)
  Open<form, double> bn_momentum = open_or<form>(0.1);  // PyTorch's convention: new = (1 - m) old + m batch
  double dropout = 0.0;                                 // before the head
  std::string head = "plain";                           // plain, or unit: of scaled features of one length
  double inner_dropout = 0.1;                           // bag, text_cnn, bert: of what comes before the features
  void fields(FieldVisitor& field);
};
using NetConfig = NetSettings<Form::written>;
using NetPlan = NetSettings<Form::planned>;

/// [augment]: the policy string of each view.
template <Form form>
struct AugmentSettings {
  Open<form, std::string> weak = open_or<form>(std::string("none")), strong = weak, contrast = weak;
  void fields(FieldVisitor& field);
};
using AugmentConfig = AugmentSettings<Form::written>;
using AugmentPlan = AugmentSettings<Form::planned>;

/// [optimizer]
template <Form form>
struct OptimizerSettings {
  Open<form, std::string> name = open_or<form>(std::string("sgd"));  // sgd (Nesterov) or adamw
  Open<form, double> lr = open_or<form>(0.03);
  double momentum = 0.9, beta2 = 0.999;
  Open<form, double> weight_decay = open_or<form>(5e-4);  // not on biases and batch norm
  /// cosine_7_16 (the paper's), cosine, linear, constant
  Open<form, std::string> schedule = open_or<form>(std::string("cosine_7_16"));
  Open<form, double> warmup = open_or<form>(0.0);  // share of the run
  Open<form, double> clip = open_or<form>(0.0);    // largest gradient norm; 0: off
  void fields(FieldVisitor& field);
};
using OptimizerConfig = OptimizerSettings<Form::written>;
using OptimizerPlan = OptimizerSettings<Form::planned>;

/// [train], as far as it decides the weights.
template <Form form>
struct LoopSettings {
  Open<form, int64_t> steps = open_or<form>(int64_t{1});   // optimiser updates
  Open<form, double> minutes = open_or<form>(0.0);         // a time budget that steps follow; of a plan 0: none
  Open<form, int64_t> batch = open_or<form>(int64_t{64});  // labelled examples a step
  int64_t accumulate = 1;                                  // micro-batches an update
  Open<form, double> average = open_or<form>(0.0);         // decay of the weight average; 0: off
  Open<form, std::string> precision = open_or<form>(std::string("fp32"));  // bf16 or fp32
  bool kernels = true;                                      // our own where they are faster; else libtorch's alone
  bool cuda_graphs = true;                                  // a GPU records a step once and replays it
  Open<form, int64_t> threads = open_or<form>(int64_t{1});  // of the step
  int64_t log_every = 50, evaluate_every = 0;               // steps; 0: about 20 times a run
  void fields(FieldVisitor& field);
};
using LoopPlan = LoopSettings<Form::planned>;

/// The rest of [train]: how a training is carried out. It leaves the weights as they are, may change when a run is
/// resumed, and is no part of a plan.
struct Conduct {
  std::optional<std::string> device;  // cpu or cuda
  std::optional<int64_t> workers;     // threads of the loader
  double checkpoint_seconds = 60;
  int64_t checkpoints = 2;  // how many to keep
  void conduct_fields(FieldVisitor& field);
};
struct LoopConfig : LoopSettings<Form::written>, Conduct {
  void fields(FieldVisitor& field);
};

struct TrainConfig {
  std::string out;  // run folder; empty: runs/<data>-<method>-<n>
  int64_t seed = 0;
  std::optional<std::string> preset;       // paper or short: the settings where nothing else is said
  std::optional<std::string> baseline;     // none, or supervised: also train the baseline for comparison
  std::optional<double> baseline_minutes;  // its budget; auto: a part of the run's own
  std::optional<int64_t> baseline_steps;   // of the baseline; auto: as many as fit its minutes
  std::optional<std::string> estimate;     // none, or holdout: accuracy by repeated hold-out of labels
  std::string init;                        // run whose net is the starting point; empty: drawn from the seed
  std::string init_hash;                   // of its weights; filled in by the plan
  std::string encoder = "auto";      // auto, none, a name, or a folder or file: a net that somebody trained before
  std::string encoder_hash = {};     // of its weights; filled in by the plan
  std::optional<std::string> probe;  // how frozen features are measured at the end: none, quick or full
  DataConfig data;
  NetConfig net;
  AugmentConfig augment;
  Json method;  // name + the method's own fields; checked by the method
  OptimizerConfig optimizer;
  LoopConfig train;
  void fields(FieldVisitor& field);  // all but `method`
};

/// One training with nothing left open: decided once, saved once; whoever has its bytes has the training.
struct Plan {
  std::string stage = "main";    // of the run: pretrain-1 …, main, baseline, estimate-1 …
  std::string preset = "short";  // where open settings came from
  int64_t seed = 0;
  std::string init, init_hash;        // a run to start from, and the hash of its weights; empty: none
  std::string starts_from;            // a stage of the same run to start from; empty: none
  std::string encoder, encoder_hash;  // folder of an encoder to start from, and the hash of its weights; empty: none
  std::string probe = "none";         // none, quick or full
  int64_t fold = 0, folds = 0;        // labels of fold 1 … folds are held out and judge; 0: none are
  DataPlan data;
  NetPlan net;
  AugmentPlan augment;
  Json method;  // name and every field
  OptimizerPlan optimizer;
  LoopPlan train;
  void fields(FieldVisitor& field);  // all but `method`
};

}  // namespace fewlabel
