// Which verb takes which options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/options.h"
#include "cli/verbs.h"
#include "core/text.h"

namespace fewlabel {
namespace {

/// A number from low to high, or an error that says so.
template <typename T>
CLI::Validator between(T low, T high) {
  return CLI::Validator(
      [low, high](const std::string& text) {
        T value{};
        if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return std::string();
        return fmt::format("wanted a number from {} to {}, got '{}'", low, high, text);
      },
      "");
}

void take_plain_words(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) option->transform(without_plain_mark);
  for (CLI::App* inner : app.get_subcommands({})) take_plain_words(*inner);
}

}  // namespace

CommandLine::CommandLine() : root_(std::make_unique<CLI::App>()) {
  root_->require_subcommand(0, 1);  // so that a folder called "train" can still be an argument
  root_->set_help_flag();
  root_->add_flag("-h,--help", wants_help_, "show this help");
  root_->add_flag("-V,--version", wants_version_, "print the version");
  for (const auto& verb : all_verbs()) {
    const auto space = verb.name.find(' ');
    CLI::App* parent = space == std::string_view::npos ? root_.get() : &app(verb.name.substr(0, space));
    CLI::App* sub =
        parent->add_subcommand(std::string(space == std::string_view::npos ? verb.name : verb.name.substr(space + 1)),
                               std::string(verb.summary));
    sub->set_help_flag();
    sub->add_flag("-h,--help", wants_help_, "show this help");
    sub->require_subcommand(0, 1);
    sub->allow_extras();
  }
  define();
}

void CommandLine::define() {
  Options& o = options_;
  const auto json = [&](CLI::App& sub) { sub.add_flag("--json", o.json, "answer in JSON"); };
  const auto words = [&](CLI::App& sub, const char* name, const char* help) {
    return sub.add_option(name, o.words, help)->type_name("");
  };

  const auto progress = [&](CLI::App& sub) {
    sub.add_flag("-q,--quiet", quiet_, "errors only");
    sub.add_option("--progress", progress_, "auto, bar, plain, json or none")
        ->type_name("HOW")
        ->check(CLI::IsMember({"auto", "bar", "plain", "json", "none"}));
  };
  const auto training = [&](CLI::App& sub, const char* what, const char* value_help) {
    sub.add_option("RECIPE", first_word_, "recipe to start from")->type_name("");
    sub.add_option("KEY", train_words_, value_help)->type_name("KEY=VALUE");
    sub.add_option("--minutes", o.train.minutes, fmt::format("time budget of {} training", what))
        ->type_name("N")
        ->check(between(0.01, 1000000.0));
    sub.add_option("--set", sets_, "the same as KEY=VALUE alone")->type_name("KEY=VALUE")->allow_extra_args(false);
    json(sub);
    progress(sub);
  };
  CLI::App& train = app("train");
  training(train, "the", "changes one key; as many as you like");
  train.add_flag("--resume", o.train.resume, "go on with the run at out=, bit for bit");
  train.add_flag("--overwrite", o.train.overwrite, "replace the run at out=");
  train.add_flag("--dry-run", o.train.dry_run, "plan, and say what would be done; trains and writes nothing");
  train.add_flag("--help-config", help_config_, "list every configuration key");
  CLI::App& sweep = app("sweep");
  training(sweep, "each", "a key and its values: seed=0,1,2");
  sweep.add_flag("--resume", o.train.resume, "go on with the sweep at out=");

  CLI::App& evaluate = app("evaluate");
  evaluate.add_option("RUN", o.evaluate.run, "run folder; with --probe also: pixels")->type_name("")->required();
  evaluate.add_option("DATA", o.evaluate.data, "other data, PATH or data=PATH; that of the run by default")
      ->type_name("");
  evaluate.add_option("--probe", o.evaluate.probes, "knn, linear, cluster, reconstruction, finetune@LABELS")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
  evaluate.add_option("--judge", o.evaluate.judge, "run of a classifier that judges samples")->type_name("RUN");
  evaluate.add_option("--count", o.evaluate.count, "samples that --judge looks at; 2000 by default")
      ->type_name("N")
      ->check(between(int64_t{10}, int64_t{1000000}));
  evaluate.add_option("--seed", o.evaluate.seed, "of those samples")->type_name("S");
  evaluate.add_option("-k", o.evaluate.k, "neighbours of knn; 10 by default")
      ->type_name("K")
      ->check(between(int64_t{1}, int64_t{10000}));
  evaluate.add_option("--steps", o.evaluate.steps, "updates of finetune; 1000 by default")
      ->type_name("N")
      ->check(between(int64_t{1}, int64_t{10000000}));
  json(evaluate);
  progress(evaluate);

  CLI::App& predict = app("predict");
  predict.add_option("RUN", o.predict.run, "run folder, or its model folder")->type_name("")->required();
  predict.add_option("INPUT", o.predict.paths, "files, folders, datasets or texts; - lists them on standard input")
      ->type_name("")
      ->required();
  predict.add_option("--format", o.predict.format, "csv (default) or jsonl")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"csv", "jsonl"}));
  predict.add_option("--top", o.predict.top, "classes listed for each example")
      ->type_name("K")
      ->check(between(int64_t{1}, int64_t{100000}));
  predict.add_option("-o,--output", o.predict.output, "file to write instead of standard output")->type_name("FILE");
  predict.add_flag("--all-probabilities", o.predict.all_probabilities, "that of every class, a column each");
  predict.add_option("--sort", predict_order_, "given (default), or uncertainty: the surest last")
      ->type_name("ORDER")
      ->check(CLI::IsMember({"given", "uncertainty"}));
  predict.add_flag("--strict", o.predict.strict, "stop at a damaged file");
  progress(predict);

  CLI::App& generate = app("generate");
  generate.add_option("RUN", o.generate.run, "run folder, or its model folder")->type_name("")->required();
  generate.add_option("-o,--output", o.generate.output, "folder to make")->type_name("DIR")->required();
  generate.add_option("--count", o.generate.count, "samples; 100 by default")
      ->type_name("N")
      ->check(between(int64_t{1}, int64_t{10000000}));
  generate.add_option("--class", o.generate.of_class, "name or number of one class; else all in turn")
      ->type_name("CLASS");
  generate.add_option("--seed", o.generate.seed, "the same seed gives the same samples")->type_name("S");
  generate.add_option("--format", o.generate.format, "png (default) or npy")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"png", "npy"}));
  json(generate);
  progress(generate);

  CLI::App& embed = app("embed");
  embed.add_option("RUN", o.embed.run, "run folder, or its model folder")->type_name("")->required();
  embed.add_option("DATA", o.embed.data, "path or known name")->type_name("")->required();
  embed.add_option("-o,--output", o.embed.output, "file to write; names go beside it")
      ->type_name("FILE.npy")
      ->required();
  embed.add_option("--part", o.embed.part, "train (default) or test")
      ->type_name("PART")
      ->check(CLI::IsMember({"train", "test"}));
  json(embed);
  progress(embed);

  CLI::App& bench = app("bench");
  const auto count_of = [&](const char* name, int64_t& target, const char* help) {
    bench.add_option(name, target, help)->type_name("N")->check(between(int64_t{1}, int64_t{1000000}));
  };
  bench.add_option("WHAT", o.bench.what, "a known step, METHOD/NET, augment, sounds, loader, checkpoint or peak")
      ->type_name("")
      ->required();
  bench.add_option("KEY", o.bench.fields, "field of the method; as many as you like")
      ->type_name("KEY=VALUE")
      ->check(CLI::Validator(
          [](const std::string& text) {
            return text.find('=') == std::string::npos ? fmt::format("'{}' is no KEY=VALUE", text) : std::string();
          },
          ""));
  count_of("--batch", o.bench.batch, "labelled examples a step; examples where no label is used");
  count_of("--side", o.bench.side, "height and width of the images; tokens of texts");
  count_of("--channels", o.bench.channels, "of the images");
  count_of("--threads", o.bench.threads, "all that may be used by default");
  count_of("--steps", o.bench.steps, "timed ones in a round; 3 to 200 by default, about 3 s");
  count_of("--warm", o.bench.warm, "steps before them; 2 by default");
  count_of("--rounds", o.bench.rounds, "medians are taken over these; 1 by default");
  bench.add_option("--device", o.bench.device, "cpu (default), cuda, cuda:N or auto")->type_name("NAME");
  bench.add_option("--precision", o.bench.precision, "fp32 or bf16; as training would take by default")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"fp32", "bf16"}));
  bench.add_option("--peer", o.bench.peer, "script that does the same step: bench/pytorch_peer.py")
      ->type_name("SCRIPT")
      ->check(CLI::ExistingFile);
  bench.add_option("--modes", o.bench.modes, "of the script: default, raised, tuned, channels_last, best")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
  bench.add_option("--python", o.bench.python, "that runs the script; python3 by default")->type_name("PROGRAM");
  bench.add_option("--kept", o.bench.kept, "share of the pseudo-labels to keep, by the choice of tau")
      ->type_name("SHARE")
      ->check(between(0.0, 1.0));
  bench.add_flag_callback(
      "--no-count", [&o] { o.bench.count = false; }, "do not count arithmetic or measure the peak");
  json(bench);

  words(app("report"), "RUN", "run folder")->required()->expected(1);

  words(app("runs ls"), "FOLDER", "where the runs are; runs by default")->expected(0, 1);
  json(app("runs ls"));
  words(app("runs show"), "RUN", "run folder")->required()->expected(1);
  json(app("runs show"));
  CLI::App& compare = app("runs compare");
  words(compare, "RUN", "run folders, or folders of a sweep")->required()->expected(1, 1000);
  CLI::Option* csv = compare.add_flag("--csv", o.csv, "a line for each run, every figure in full");
  CLI::Option* markdown = compare.add_flag("--markdown", o.markdown, "a table for a document");
  json(compare);
  csv->excludes(markdown)->excludes("--json");
  markdown->excludes("--json");
  CLI::App& prune = app("runs prune");
  words(prune, "FOLDER", "where the runs are; runs by default")->expected(0, 1);
  prune.add_option("--keep", o.keep, "checkpoints kept for each run")
      ->type_name("N")
      ->check(between(int64_t{0}, int64_t{1000}));
  prune.add_flag("--remove", o.remove, "remove them; else they are only listed");
  json(prune);

  words(app("methods"), "NAME", "one method")->expected(0, 1);
  json(app("methods"));
  words(app("recipes"), "NAME", "one recipe")->expected(0, 1);
  json(app("recipes"));
  words(app("encoders"), "NAME", "one of them, or a folder with one")->expected(0, 1);
  json(app("encoders"));
  CLI::App& get = app("encoders get");
  words(get, "MODEL", "a model, as the hub calls it")->type_name("ORG/NAME")->required()->expected(1);
  get.add_option("--revision", o.revision, "branch, tag or commit; main by default")->type_name("NAME");
  get.add_option("--to", o.to, "where its folder goes; to the other encoders by default")->type_name("FOLDER");
  json(get);
  progress(get);

  CLI::App& inspect = app("data inspect");
  words(inspect, "DATA", "path or known name")->required()->expected(1);
  inspect.add_flag("--strict", o.strict, "a damaged example is an error (exit code 3)");
  json(inspect);
  progress(inspect);
  CLI::App& split = app("data split");
  words(split, "SPEC", "DATA@N:seed=S")->required()->expected(1);
  split.add_option("-o,--output", o.output, "file to write instead of standard output")->type_name("FILE");

  json(app("doctor"));
  words(app("completion"), "SHELL", "bash, zsh or fish")
      ->required()
      ->expected(1)
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  CLI::App& help = app("help");
  words(help, "VERB", "a verb, or config")->expected(0, 2);
  help.add_flag("--markdown", o.markdown, "as a page of the documentation");
  take_plain_words(*root_);
}

}  // namespace fewlabel
