// The use cases of fewlabel. cli, server and python call these and hold no logic of their own. All throw Error.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/live_line.h"
#include "fewlabel/config.h"

namespace fewlabel {

/// A live line; a line every few seconds; JSON lines; no progress, but what was decided and found; errors only.
enum class Chatter { bar, plain, json, words, quiet };
inline ProgressMode progress_mode(Chatter chatter) {
  return chatter == Chatter::bar     ? ProgressMode::bar
         : chatter == Chatter::plain ? ProgressMode::plain
         : chatter == Chatter::json  ? ProgressMode::json
                                     : ProgressMode::none;
}

struct TrainRequest {
  std::string recipe;                  // TOML file; may be empty
  std::vector<std::string> overrides;  // key=value, later ones win
  double minutes = 0;                  // --minutes; 0: not given
  bool resume = false;                 // go on with the run at `out`
  bool overwrite = false;              // replace the run at `out`
  bool dry_run = false;                // plan and tell, train nothing, write nothing
  Chatter chatter = Chatter::plain;
  std::string command;  // as typed, for the run folder
};
/// Trains, evaluates, writes the run folder and its report; returns summary.json, or the plan of a dry run.
Json train(const TrainRequest& request);

struct EvaluateRequest {
  std::string run;                  // run folder; with probes also "pixels"
  std::string data;                 // empty: that of the run
  std::vector<std::string> probes;  // knn, linear, cluster, reconstruction, finetune@LABELS
  std::string judge;                // run of a classifier whose features judge samples
  int64_t k = 10;                   // neighbours of knn
  int64_t steps = 1000;             // updates of finetune
  int64_t count = 2000;             // samples to judge
  uint64_t seed = 0;                // of the samples
  Chatter chatter = Chatter::plain;
};
/// Evaluates the saved model again (accuracy, interval, ece, per class); or, with probes, its frozen features; or, with
/// a judge, its samples. The latter two are also written to probes.json of the run.
Json evaluate(const EvaluateRequest& request);

struct GenerateRequest {
  std::string run;             // run folder, or its model/ folder
  int64_t count = 100;         // samples
  std::string of_class;        // name or index; empty: all classes in turn
  uint64_t seed = 0;           // the same seed gives the same samples
  std::string format = "png";  // png: a folder of images; npy: arrays
  std::string output;          // folder; must be empty or not be there
};
/// Writes samples as a data set, and grid.png beside them. Returns what was made.
Json generate(const GenerateRequest& request);

struct EmbedRequest {
  std::string run;             // run folder, or its model/ folder
  std::string data;            // labelled or not
  std::string part = "train";  // or test
  std::string output;          // FILE.npy; names and labels go to FILE.csv
};
/// Writes the features of every example (N × D, float32). Returns what was made.
Json embed(const EmbedRequest& request);

enum class PredictOrder { given, uncertainty };  // as the files come; the least sure first, the surest last

struct PredictRequest {
  std::string run;                 // run folder, or its model/ folder
  std::vector<std::string> paths;  // files or folders
  std::string format = "csv";      // csv or jsonl
  std::string output;              // file; empty: standard output
  int64_t top = 1;                 // classes listed per example
  PredictOrder order = PredictOrder::given;
  bool all_probabilities = false;  // a column for each class
  bool strict = false;
};
/// Writes one line an example: path, class, probability (and the top k, and that of every class); damaged files are
/// named on standard error. A file is replaced at the end, and only if anything was predicted. Returns how many were
/// predicted and how many were damaged.
Json predict(const PredictRequest& request);

struct BenchRequest {
  std::string what;                                        // METHOD/NET, or augment, sounds, loader, checkpoint, peak
  std::vector<std::string> fields;                         // of the method: "mu=7"
  std::string precision;                                   // fp32 or bf16; empty: what training would take
  std::string device = "cpu";                              // cpu, cuda or auto
  int64_t batch = 0, side = 0, channels = 0, threads = 0;  // 0: what the benchmark has
  int64_t steps = 0, warm = 2;                             // timed ones (0: about 3 s) and those before them, a round
  int64_t rounds = 1;
  std::string peer, python = "python3";                  // script that does the same step; the two take turns
  std::vector<std::string> modes = {"default", "best"};  // of the script
  double kept = -1;   // share of the pseudo-labels that the threshold lets through; -1: as it comes
  bool count = true;  // the arithmetic, and its share of the machine's peak
};
/// Times a training step on random pixels, or what feeds it. Seconds are medians over the rounds.
Json bench(const BenchRequest& request);

/// What the machine and this build can do: versions, BLAS, instruction sets, threads, memory, disk; warnings.
Json doctor();

/// Every method with its fields: what `fewlabel methods` and the docs show.
Json method_catalogue();

}  // namespace fewlabel
