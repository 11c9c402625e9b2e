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
#include "core/foreign_words.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/train_config.h"

namespace fewlabel {
namespace {

std::vector<std::string> with_plain_words(const std::vector<std::string>& arguments) {
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> words(arguments.begin(), mark);
  if (mark != arguments.end())
    for (auto word = mark + 1; word != arguments.end(); ++word) words.push_back(kPlainWord + *word);
  return words;
}

std::string help_hint(const std::string& verb) {
  return verb.empty() ? "`fewlabel --help` lists the verbs"
                      : fmt::format("`fewlabel {} --help` lists what it takes", verb);
}

/// The key that a flag of another program's habits stands for, as KEY=VALUE; empty where there is none.
std::string meant_by_flag(const std::string& name, const std::string& value) {
  const auto with = [](const std::string& key, const std::string& given) {
    return "settings are written without dashes: " + key + "=" + (given.empty() ? "VALUE" : given);
  };
  std::string plain = name;
  std::replace(plain.begin(), plain.end(), '-', '_');
  std::vector<std::string> keys = {"data", "net", "method"};
  for (const FieldInfo& field : describe_config<TrainConfig>()) keys.push_back(field.name);
  for (const std::string& key : keys)
    if (key == plain) return with(key, value);
  if (const Translation ours = translated(plain, value))
    return with(ours.key, ours.value) + (ours.more.empty() ? "" : ". " + ours.more);
  for (const std::string& key : keys)
    if (key.ends_with("." + plain)) return with(key, value);
  return {};
}

/// A flag that nobody defined, or a word too many, as an Error that helps.
[[noreturn]] void throw_unexpected(const CLI::App& app, const std::string& verb, const std::string& word,
                                   const std::vector<std::string>& arguments) {
  const std::string help = help_hint(verb), where = verb.empty() ? "fewlabel" : verb;
  if (!word.starts_with("-"))
    throw Error(ErrorKind::usage, where, fmt::format("'{}' is one word too many", without_plain_mark(word)), help);
  const auto equals = word.find('=');
  const std::string flag = word.substr(0, equals);
  std::vector<std::string> known;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  if (verb == "train" || verb == "sweep") {
    std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    const auto at = std::find(arguments.begin(), arguments.end(), word);
    if (value.empty() && at != arguments.end() && at + 1 != arguments.end() && !(at + 1)->starts_with("-") &&
        (at + 1)->find('=') == std::string::npos)
      value = *(at + 1);
    std::string hint = meant_by_flag(flag.substr(std::min(flag.find_first_not_of('-'), flag.size())), value);
    if (hint.empty() && equals != std::string::npos)
      hint = "settings are written without dashes: " + word.substr(std::min(word.find_first_not_of('-'), word.size()));
    if (!hint.empty()) throw Error(ErrorKind::usage, verb, fmt::format("unknown option '{}'", flag), hint);
  }
  const bool near = !nearest_names(flag, known).empty();
  throw Error(ErrorKind::usage, where, fmt::format("unknown option '{}'", flag), near ? suggestion(flag, known) : help);
}

/// The option rather than the value that came with it.
const std::string& first_extra(const std::vector<std::string>& extras) {
  const auto option =
      std::find_if(extras.begin(), extras.end(), [](const auto& word) { return word.starts_with("-"); });
  return option == extras.end() ? extras.front() : *option;
}

void check_verb(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0].starts_with("-")) return;
  const auto known = verb_names();
  if (std::find(known.begin(), known.end(), arguments[0]) == known.end())
    throw Error(ErrorKind::usage, "fewlabel", fmt::format("unknown verb '{}'", arguments[0]),
                suggestion(arguments[0], known));
  const auto inner = inner_names(arguments[0]);
  if (inner.empty() || find_verb(arguments[0])->alone || arguments.size() < 2 || arguments[1].starts_with("-")) return;
  if (std::find(inner.begin(), inner.end(), arguments[1]) == inner.end())
    throw Error(ErrorKind::usage, arguments[0], fmt::format("unknown verb '{} {}'", arguments[0], arguments[1]),
                suggestion(arguments[1], inner));
}

Chatter chatter_of(const std::string& progress) {
  if (progress == "bar") return Chatter::bar;
  if (progress == "json") return Chatter::json;
  if (progress == "none") return Chatter::words;
  if (progress == "auto" && isatty(STDERR_FILENO)) return Chatter::bar;
  return Chatter::plain;
}

}  // namespace

std::string without_plain_mark(const std::string& word) { return word.starts_with(kPlainWord) ? word.substr(1) : word; }

CommandLine::~CommandLine() = default;

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
    if (!wants_help_ && verb.empty() && !arguments.empty()) throw_unexpected(*root_, "", arguments[0], arguments);
    options_.words = help_config_ ? std::vector<std::string>{"config"} : split_text(verb, ' ');
    if (verb.empty()) options_.words.clear();
    verb = "help";
    return options_;
  }
  if (const auto extras = at->remaining(); !extras.empty()) throw_unexpected(*at, verb, first_extra(extras), arguments);
  if (!problem.empty()) throw Error(ErrorKind::usage, verb, problem, help_hint(verb));
  if (!inner_names(verb).empty() && !find_verb(verb)->alone)
    throw Error(ErrorKind::usage, verb, "a second word is missing", "one of: " + join(inner_names(verb), ", "));
  if (!options_.evaluate.probes.empty() && !options_.evaluate.judge.empty())
    throw Error(ErrorKind::usage, "evaluate", "--probe and --judge exclude each other",
                "--probe measures features, --judge measures samples");
  const bool automatic = progress_ == "auto";
  const Chatter chatter = quiet_ ? Chatter::quiet : options_.json && automatic ? Chatter::json : chatter_of(progress_);
  options_.train.chatter = options_.evaluate.chatter = chatter;
  options_.progress = progress_mode(chatter);
  if (verb == "encoders get" && automatic && chatter == Chatter::plain) options_.progress = ProgressMode::none;
  // Predictions that come one by one at a terminal show by themselves how far they are.
  options_.predict.order = predict_order_ == "uncertainty" ? PredictOrder::uncertainty : PredictOrder::given;
  if (verb == "predict" && automatic && options_.predict.output.empty() && isatty(STDOUT_FILENO) &&
      options_.predict.order == PredictOrder::given)
    options_.progress = ProgressMode::none;
  if (options_.verb == "evaluate") finish_evaluate();
  finish_train(arguments);
  return options_;
}

/// `data=PATH`, as train takes it, is PATH.
void CommandLine::finish_evaluate() {
  std::string &run = options_.evaluate.run, &data = options_.evaluate.data;
  constexpr std::string_view kKey = "data=";
  if (run.starts_with(kKey)) std::swap(run, data);
  if (run.empty())
    throw Error(ErrorKind::usage, "evaluate", "there are data, but no run", "fewlabel evaluate RUN data=PATH");
  if (data.starts_with(kKey)) {
    data.erase(0, kKey.size());
    if (data.empty())
      throw Error(ErrorKind::usage, "evaluate", "data= names nothing", "fewlabel evaluate RUN data=PATH");
    return;
  }
  const std::string key = data.substr(0, data.find('='));
  std::error_code ignored;
  if (key.size() < data.size() && key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string::npos &&
      !std::filesystem::exists(data, ignored))
    throw Error(ErrorKind::usage, "evaluate", fmt::format("takes no key '{}'", key),
                "data=PATH is the only one; all else is as the run's plan says");
}

void CommandLine::finish_train(const std::vector<std::string>& arguments) {
  const bool sweep = options_.verb == "sweep";
  if (options_.verb != "train" && !sweep) return;
  TrainRequest& train = options_.train;
  train.command = "fewlabel";
  for (const auto& argument : arguments) train.command += " " + shell_word(argument);
  if (!first_word_.empty()) train_words_.insert(train_words_.begin(), first_word_);  // recipe or not
  std::error_code ignored;
  for (const auto& word : train_words_) {
    if (word.find('=') != std::string::npos) {
      train.overrides.push_back(word);
    } else if (!train.recipe.empty()) {
      throw Error(ErrorKind::usage, options_.verb,
                  fmt::format("'{}' is a second recipe after '{}'", word, train.recipe),
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
  const std::string_view what = sweep ? "sweep" : "run";
  const auto runs = std::count_if(train.overrides.begin(), train.overrides.end(),
                                  [](const std::string& word) { return word.starts_with("out="); });
  if (train.resume && runs > 1)
    throw Error(ErrorKind::usage, options_.verb, fmt::format("the {} to go on with is named twice", what),
                fmt::format("fewlabel {} --resume {}", options_.verb, sweep ? "FOLDER" : "RUN"));
  if (train.resume && train.minutes > 0)
    throw Error(ErrorKind::usage, options_.verb, fmt::format("--minutes would change a {} that is under way", what),
                fmt::format("leave it out, or start a new {}", what));
}

std::string CommandLine::usage(std::string_view verb) const {
  std::string text = "fewlabel " + std::string(verb);
  if (!inner_names(verb).empty() && !find_verb(verb)->alone) return text + " VERB";
  for (const auto& option : options(verb)) {
    if (!option.positional) continue;
    const bool many =
        option.names == "KEY=VALUE" || option.names == "PATH" || option.names == "INPUT" || verb == "runs compare";
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
    const std::string type = split_text(option->get_type_name(), ':').front();  // after ':' CLI11 puts the range
    if (info.positional && !type.empty()) info.names = type;  // CLI11 from 2.4 on refuses '=' in a name
    if (!info.positional && option->get_expected_max() > 0) info.value = type;
    info.help = option->get_description();
    result.push_back(std::move(info));
  }
  std::stable_partition(result.begin(), result.end(), [](const auto& info) { return info.positional; });
  return result;
}

}  // namespace fewlabel
