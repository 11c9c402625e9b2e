// What a training is told: recipe + overrides as written. An empty optional ("auto") is filled in by plan_training; in
// the plan none is left empty. Free of libtorch.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "fewlabel/config.h"

namespace fewlabel {

/// [data]; `data=TEXT` on the command line is short for data.path.
struct DataConfig {
  std::string path;                 // PATH or known name, with a split: fashion_mnist@100:seed=0
  std::string test;                 // PATH of a separate test set
  std::optional<int64_t> size;      // side of the square every image is resized to
  std::optional<int64_t> channels;  // 1 or 3
  bool strict = false;
  int64_t cache_mb = 600;
  int64_t disk_cache_mb = 4096;
  std::string classes;
  std::string virtual_examples;  // key "virtual": PATH of examples that a generator made, all labelled
  double virtual_share = 0.5;    // of them among the labelled examples of a step
  void fields(FieldVisitor& field);
};

/// [net]; `net=NAME` is short for net.name; `wrn_28_2` is short for name = wrn, depth = 28, width = 2; `vit_tiny` for
/// name = vit, size = tiny.
struct NetConfig {
  std::optional<std::string> name;    // see net_names()
  int64_t depth = 28, width = 2;      // wrn only
  int64_t grid = 1;                   // cnn, wrn, resnet, vit: features are means over grid × grid parts of the image
  std::string stem = "auto";          // resnet only
  std::string size = "micro";         // vit only
  int64_t patch = 0;                  // vit only, in pixels; 0: an eighth of the side up to 64, 16 above
  std::optional<double> bn_momentum;  // PyTorch's convention: new = (1 - m) old + m batch
  double dropout = 0.0;               // before the head
  void fields(FieldVisitor& field);
};

/// [augment]: the policy string of each view.
struct AugmentConfig {
  std::optional<std::string> weak, strong, contrast;
  void fields(FieldVisitor& field);
};

/// [optimizer]
struct OptimizerConfig {
  std::string name = "sgd";  // sgd (Nesterov) or adamw
  std::optional<double> lr;
  double momentum = 0.9, beta2 = 0.999;
  std::optional<double> weight_decay;   // not on biases and batch norm
  std::optional<std::string> schedule;  // cosine_7_16 (the paper's), cosine, linear, constant
  std::optional<double> warmup;         // share of the run
  std::optional<double> clip;           // largest gradient norm; 0: off
  void fields(FieldVisitor& field);
};

/// [train]
struct LoopConfig {
  std::optional<int64_t> steps;                // optimiser updates
  std::optional<double> minutes;               // a time budget; steps follow from a short measurement
  std::optional<int64_t> batch;                // labelled examples a step
  int64_t accumulate = 1;                      // micro-batches an update
  std::optional<double> average;               // decay of the weight average; 0: off
  std::optional<std::string> device;           // cpu or cuda
  std::optional<std::string> precision;        // bf16 or fp32
  bool kernels = true;                         // our own where they are faster; else libtorch's alone
  bool cuda_graphs = true;                     // a GPU records a step once and replays it
  std::optional<int64_t> threads, workers;     // of the step; of the loader
  int64_t log_every = 50, evaluate_every = 0;  // steps; 0: about 20 times a run
  double checkpoint_seconds = 60;
  int64_t checkpoints = 2;  // how many to keep
  void fields(FieldVisitor& field);
};

struct TrainConfig {
  std::string out;  // run folder; empty: runs/<data>-<method>-<n>
  int64_t seed = 0;
  std::optional<std::string> baseline;     // none, or supervised: also train the baseline for comparison
  std::optional<double> baseline_minutes;  // its budget; auto: that of the run
  std::optional<int64_t> baseline_steps;   // of the baseline; auto: as many as fit its minutes
  std::string init;                        // run whose net is the starting point; empty: drawn from the seed
  std::string init_hash;                   // of its weights; filled in by the plan
  std::optional<std::string> probe;        // how frozen features are measured at the end: none, quick or full
  DataConfig data;
  NetConfig net;
  AugmentConfig augment;
  Json method;  // name + the method's own fields; checked by the method
  OptimizerConfig optimizer;
  LoopConfig train;
  void fields(FieldVisitor& field);  // all but `method`
};

}  // namespace fewlabel
