#include "cli/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "cli/recipes.h"
#include "cli/verbs.h"
#include "core/command.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr char kPlain = '\x01';  // before each word after "--", which CLI11 must take for no option

std::vector<std::string> with_plain_words(const std::vector<std::string>& arguments) {
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> words(arguments.begin(), mark);
  if (mark != arguments.end())
    for (auto word = mark + 1; word != arguments.end(); ++word) words.push_back(kPlain + *word);
  return words;
}

std::string without_mark(const std::string& word) { return word.starts_with(kPlain) ? word.substr(1) : word; }

void take_plain_words(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) option->transform(without_mark);
  for (CLI::App* inner : app.get_subcommands({})) take_plain_words(*inner);
}

std::string help_hint(const std::string& verb) {
  return verb.empty() ? "`fewlabel --help` lists the verbs"
                      : fmt::format("`fewlabel {} --help` lists what it takes", verb);
}

/// A flag that nobody defined, or a word too many, as an Error that helps.
[[noreturn]] void throw_unexpected(const CLI::App& app, const std::string& verb, const std::string& word) {
  const std::string help = help_hint(verb), where = verb.empty() ? "fewlabel" : verb;
  if (!word.starts_with("-"))
    throw Error(ErrorKind::usage, where, fmt::format("'{}' is one word too many", without_mark(word)), help);
  const std::string flag = word.substr(0, word.find('='));
  if (word.find('=') != std::string::npos && verb == "train" && word.starts_with("--"))
    throw Error(ErrorKind::usage, verb, fmt::format("unknown option '{}'", flag),
                fmt::format("keys of the configuration are written without dashes: {}", word.substr(2)));
  std::vector<std::string> known;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  const bool near = !nearest_names(flag, known).empty();
  throw Error(ErrorKind::usage, where, fmt::format("unknown option '{}'", flag), near ? suggestion(flag, known) : help);
}

void check_verb(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0].starts_with("-")) return;
  const auto known = verb_names();
  if (std::find(known.begin(), known.end(), arguments[0]) == known.end())
    throw Error(ErrorKind::usage, "fewlabel", fmt::format("unknown verb '{}'", arguments[0]),
                suggestion(arguments[0], known));
  const auto inner = inner_names(arguments[0]);
  if (inner.empty() || arguments.size() < 2 || arguments[1].starts_with("-")) return;
  if (std::find(inner.begin(), inner.end(), arguments[1]) == inner.end())
    throw Error(ErrorKind::usage, arguments[0], fmt::format("unknown verb '{} {}'", arguments[0], arguments[1]),
                suggestion(arguments[1], inner));
}

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

Chatter chatter_of(const std::string& progress) {
  if (progress == "bar") return Chatter::bar;
  if (progress == "json") return Chatter::json;
  if (progress == "none") return Chatter::quiet;
  if (progress == "auto" && isatty(STDERR_FILENO)) return Chatter::bar;
  return Chatter::plain;
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

CommandLine::~CommandLine() = default;

void CommandLine::define() {
  Options& o = options_;
  const auto json = [&](CLI::App& sub) { sub.add_flag("--json", o.json, "answer in JSON"); };
  const auto words = [&](CLI::App& sub, const char* name, const char* help) {
    return sub.add_option(name, o.words, help)->type_name("");
  };

  CLI::App& train = app("train");
  train.add_option("RECIPE", first_word_, "recipe to start from")->type_name("");
  train.add_option("KEY=VALUE", train_words_, "changes one key; as many as you like")->type_name("");
  train.add_option("--minutes", o.train.minutes, "time budget of the training")
      ->type_name("N")
      ->check(between(0.01, 1000000.0));
  train.add_flag("--resume", o.train.resume, "go on with the run at out=, bit for bit");
  train.add_flag("--overwrite", o.train.overwrite, "replace the run at out=");
  train.add_flag("--dry-run", o.train.dry_run, "plan, and say what would be done; trains and writes nothing");
  train.add_option("--set", sets_, "the same as KEY=VALUE alone")->type_name("KEY=VALUE")->allow_extra_args(false);
  train.add_flag("-q,--quiet", quiet_, "errors only");
  json(train);
  train.add_option("--progress", progress_, "auto, bar, plain, json or none")
      ->type_name("HOW")
      ->check(CLI::IsMember({"auto", "bar", "plain", "json", "none"}));
  train.add_flag("--help-config", help_config_, "list every configuration key");

  CLI::App& evaluate = app("evaluate");
  evaluate.add_option("RUN", o.evaluate.run, "run folder; with --probe also: pixels")->type_name("")->required();
  evaluate.add_option("DATA", o.evaluate.data, "other data; that of the run by default")->type_name("");
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
  evaluate.add_flag("-q,--quiet", quiet_, "errors only");
  json(evaluate);

  CLI::App& predict = app("predict");
  predict.add_option("RUN", o.predict.run, "run folder, or its model folder")->type_name("")->required();
  predict.add_option("PATH", o.predict.paths, "image files or folders")->type_name("")->required();
  predict.add_option("--format", o.predict.format, "csv (default) or jsonl")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"csv", "jsonl"}));
  predict.add_option("--top", o.predict.top, "classes listed for each example")
      ->type_name("K")
      ->check(between(int64_t{1}, int64_t{100000}));
  predict.add_option("-o,--output", o.predict.output, "file to write instead of standard output")->type_name("FILE");
  predict.add_flag("--strict", o.predict.strict, "stop at a damaged file");

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

  CLI::App& bench = app("bench");
  const auto count_of = [&](const char* name, int64_t& target, const char* help) {
    bench.add_option(name, target, help)->type_name("N")->check(between(int64_t{1}, int64_t{1000000}));
  };
  bench.add_option("WHAT", o.bench.what, "a known step, METHOD/NET, augment, loader, checkpoint or peak")
      ->type_name("")
      ->required();
  bench.add_option("KEY=VALUE", o.bench.fields, "field of the method; as many as you like")
      ->type_name("")
      ->check(CLI::Validator(
          [](const std::string& text) {
            return text.find('=') == std::string::npos ? fmt::format("'{}' is no KEY=VALUE", text) : std::string();
          },
          ""));
  count_of("--batch", o.bench.batch, "labelled images a step; images where no label is used");
  count_of("--side", o.bench.side, "height and width of the images");
  count_of("--channels", o.bench.channels, "of the images");
  count_of("--threads", o.bench.threads, "all that may be used by default");
  count_of("--steps", o.bench.steps, "timed ones in a round; 3 to 200 by default, about 3 s");
  count_of("--warm", o.bench.warm, "steps before them; 2 by default");
  count_of("--rounds", o.bench.rounds, "medians are taken over these; 1 by default");
  bench.add_option("--device", o.bench.device, "cpu (default), cuda or auto")
      ->type_name("NAME")
      ->check(CLI::IsMember({"cpu", "cuda", "auto"}));
  bench.add_option("--precision", o.bench.precision, "fp32 or bf16; as training would take by default")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"fp32", "bf16"}));
  bench.add_option("--peer", o.bench.peer, "script that does the same step: bench/pytorch_peer.py")
      ->type_name("SCRIPT")
      ->check(CLI::ExistingFile);
  bench.add_option("--modes", o.bench.modes, "of the script: default, tuned, channels_last, best")
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
  words(app("runs compare"), "RUN", "run folders, two or more")->required()->expected(2, 64);
  json(app("runs compare"));
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

  CLI::App& inspect = app("data inspect");
  words(inspect, "DATA", "path or known name")->required()->expected(1);
  inspect.add_flag("--strict", o.strict, "a damaged example is an error (exit code 3)");
  json(inspect);
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

CLI::App& CommandLine::app(std::string_view verb) const {
  CLI::App* at = root_.get();
  for (const auto& word : split_text(verb, ' ')) at = at->get_subcommand(word);
  return *at;
}

Options CommandLine::parse(const std::vector<std::string>& arguments) {
  check_verb(arguments);
  std::vector<std::string> words = with_plain_words(arguments);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  std::string problem;
  try {
    root_->parse(words);
  } catch (const CLI::ParseError& error) {
    problem = error.what();
  }
  const CLI::App* at = root_.get();
  std::string& verb = options_.verb;
  for (auto inner = at->get_subcommands(); !inner.empty(); inner = at->get_subcommands()) {
    at = inner.front();
    verb += (verb.empty() ? "" : " ") + at->get_name();
  }
  if (wants_version_) {
    verb = "version";
    return options_;
  }
  if (wants_help_ || verb.empty() || help_config_) {
    if (!wants_help_ && verb.empty() && !arguments.empty()) throw_unexpected(*root_, "", arguments[0]);
    options_.words = help_config_ ? std::vector<std::string>{"config"} : split_text(verb, ' ');
    if (verb.empty()) options_.words.clear();
    verb = "help";
    return options_;
  }
  if (const auto extras = at->remaining(); !extras.empty()) throw_unexpected(*at, verb, extras.front());
  if (!problem.empty()) throw Error(ErrorKind::usage, verb, problem, help_hint(verb));
  if (!inner_names(verb).empty())
    throw Error(ErrorKind::usage, verb, "a second word is missing", "one of: " + join(inner_names(verb), ", "));
  if (!options_.evaluate.probes.empty() && !options_.evaluate.judge.empty())
    throw Error(ErrorKind::usage, "evaluate", "--probe and --judge exclude each other",
                "--probe measures features, --judge measures samples");
  finish_train(arguments);
  return options_;
}

void CommandLine::finish_train(const std::vector<std::string>& arguments) {
  const Chatter chatter = quiet_ ? Chatter::quiet : options_.json ? Chatter::json : chatter_of(progress_);
  options_.evaluate.chatter = chatter;
  if (options_.verb != "train") return;
  TrainRequest& train = options_.train;
  train.chatter = chatter;
  train.command = "fewlabel";
  for (const auto& argument : arguments) train.command += " " + shell_word(argument);
  if (!first_word_.empty()) train_words_.insert(train_words_.begin(), first_word_);  // recipe or not
  std::error_code ignored;
  for (const auto& word : train_words_) {
    if (word.find('=') != std::string::npos) {
      train.overrides.push_back(word);
    } else if (!train.recipe.empty()) {
      throw Error(ErrorKind::usage, "train", fmt::format("'{}' is a second recipe after '{}'", word, train.recipe),
                  "one recipe, then KEY=VALUE as often as you like");
    } else if (train.resume &&
               (std::filesystem::is_directory(word, ignored) || (!known_recipe(word) && !word.ends_with(".toml")))) {
      train.overrides.push_back("out=" + word);  // the run itself, which may turn out not to be there
    } else {
      train.recipe = find_recipe(word);
    }
  }
  train.overrides.insert(train.overrides.end(), sets_.begin(), sets_.end());
  if (train.resume && train.overwrite)
    throw Error(ErrorKind::usage, "train", "--resume and --overwrite exclude each other",
                "--resume goes on with a run, --overwrite starts it anew");
  const auto runs = std::count_if(train.overrides.begin(), train.overrides.end(),
                                  [](const std::string& word) { return word.starts_with("out="); });
  if (train.resume && runs > 1)
    throw Error(ErrorKind::usage, "train", "the run to go on with is named twice", "fewlabel train --resume RUN");
  if (train.resume && train.minutes > 0)
    throw Error(ErrorKind::usage, "train", "--minutes would change a run that is under way",
                "leave it out, or start a new run");
}

std::string CommandLine::usage(std::string_view verb) const {
  std::string text = "fewlabel " + std::string(verb);
  if (!inner_names(verb).empty()) return text + " VERB";
  for (const auto& option : options(verb)) {
    if (!option.positional) continue;
    const bool many = option.names == "KEY=VALUE" || option.names == "PATH" || verb == "runs compare";
    text += (option.required ? " " + option.names : " [" + option.names + "]") + (many ? "…" : "");
  }
  return text + " [OPTIONS]";
}

std::vector<OptionInfo> CommandLine::options(std::string_view verb) const {
  std::vector<OptionInfo> result;
  for (const auto* option : app(verb).get_options()) {
    OptionInfo info;
    info.positional = option->get_positional();
    info.required = option->get_required();
    info.names = option->get_name(info.positional, true);
    if (!info.positional && option->get_expected_max() > 0)
      info.value = split_text(option->get_type_name(), ':').front();  // after ':' CLI11 puts the range
    info.help = option->get_description();
    result.push_back(std::move(info));
  }
  std::stable_partition(result.begin(), result.end(), [](const auto& info) { return info.positional; });
  return result;
}

}  // namespace fewlabel
