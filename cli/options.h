// The command line: which verbs take which options, read once for both programs (the front, which answers by itself
// what needs no libtorch, and the engine). Free of libtorch.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/app.h"

namespace CLI {
class App;
}

namespace fewlabel {

/// Stands before each word after "--", which CLI11 must take for no option.
constexpr char kPlainWord = '\x01';
std::string without_plain_mark(const std::string& word);

/// A command line as understood.
struct Options {
  std::string verb;    // "train", "runs show"; "help" also for --help
  TrainRequest train;  // of a sweep, too
  EvaluateRequest evaluate;
  PredictRequest predict;
  GenerateRequest generate;
  EmbedRequest embed;
  BenchRequest bench;
  std::vector<std::string> words;              // run folders, names, data: what the verb is about
  std::string output;                          // -o of `data split`
  std::string revision = "main", to;           // of `encoders get`
  ProgressMode progress = ProgressMode::none;  // how work that takes long is shown
  bool json = false, csv = false, strict = false, markdown = false, remove = false;
  int64_t keep = 1;
};

/// One option of a verb as help and completion show it.
struct OptionInfo {
  std::string names;  // "-o,--output", or "RUN" for a positional
  std::string value;  // "FILE"; empty for a flag
  std::string help;
  bool positional = false, required = false;
};

class CommandLine {
 public:
  CommandLine();
  ~CommandLine();
  /// argv[0] is skipped. Throws Error{usage} with the nearest names for unknown verbs and flags.
  Options parse(const std::vector<std::string>& arguments);
  /// "fewlabel train [RECIPE] [KEY=VALUE]… [OPTIONS]"
  std::string usage(std::string_view verb) const;
  std::vector<OptionInfo> options(std::string_view verb) const;

 private:
  CLI::App& app(std::string_view verb) const;
  void define();
  void finish_evaluate();
  void finish_train(const std::vector<std::string>& arguments);

  std::unique_ptr<CLI::App> root_;
  Options options_;
  std::string progress_ = "auto", predict_order_ = "given";
  std::string first_word_;  // of train: a recipe, or already KEY=VALUE
  std::vector<std::string> train_words_, sets_;
  bool quiet_ = false, wants_help_ = false, wants_version_ = false, help_config_ = false;
};

}  // namespace fewlabel
