#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/verbs.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {

std::string entry(std::string_view left, std::string_view right, std::size_t column) {
  std::string text = "  " + std::string(left);
  const std::size_t used = columns(text);
  const std::string help = wrap(right, column);
  if (used + 2 > column) return text + "\n" + help;
  return text + std::string(column - used, ' ') + help.substr(column);
}

const std::vector<ExitCode>& exit_codes() {
  static const std::vector<ExitCode> codes = {{0, "done"},
                                              {1, "failure of any other kind"},
                                              {2, "an option, key or value that is not understood"},
                                              {3, "the data or its labels"},
                                              {4, "training diverged (NaN or infinity)"},
                                              {5, "not enough memory"},
                                              {6, "storage: disk full, damaged or missing files of ours, a run in use"},
                                              {130, "stopped by Ctrl-C; a training has saved"},
                                              {143, "stopped by SIGTERM or a closed terminal (SIGHUP), likewise"}};
  return codes;
}

std::string help_overview() {
  std::string text =
      "fewlabel trains deep models when labels are scarce.\n\nExamples:\n"
      "  fewlabel train data=photos               learn from your own folder\n"
      "  fewlabel train fashion_mnist/demo        100 labels, five minutes\n"
      "  fewlabel predict runs/demo photo.png     use what was learnt\n"
      "\nUsage: fewlabel VERB [ARGUMENTS] [OPTIONS]\n\nVerbs:\n";
  for (const auto& verb : all_verbs())
    if (verb.name.find(' ') == std::string_view::npos) text += entry(verb.name, verb.summary, 15);
  text += "\nOptions:\n" + entry("-h, --help", "show this help; after a verb, the help of that verb", 19) +
          entry("-V, --version", "print the version", 19) +
          entry("--", "what follows is no option, however it begins", 19);
  text += "\nExit codes:\n";
  for (const auto& code : exit_codes()) text += entry(std::to_string(code.code), code.meaning, 8);
  return text;
}

std::string help_text(const CommandLine& line, const std::string& name) {
  if (name.empty()) return help_overview();
  const Verb* verb = find_verb(name);
  if (!verb) {
    std::vector<std::string> known;
    for (const auto& each : all_verbs()) known.emplace_back(each.name);
    known.emplace_back("config");
    throw Error(ErrorKind::usage, "help", fmt::format("unknown verb '{}'", name), suggestion(name, known));
  }
  std::string text = wrap(fmt::format("fewlabel {}: {}", verb->name, verb->summary), 0) + "\nExamples:\n";
  std::size_t column = 0;
  for (const auto& example : verb->examples) column = std::max(column, columns(example.command) + 4);
  for (const auto& example : verb->examples)
    text += example.what.empty() ? fmt::format("  {}\n", example.command)
            : column > 50        ? fmt::format("  {}\n      {}\n", example.command, example.what)
                                 : entry(example.command, example.what, column);
  text += "\nUsage: " + line.usage(name) + "\n";
  if (const auto inner = inner_names(name); !inner.empty()) {
    text += "\nVerbs:\n";
    for (const auto& word : inner) text += entry(word, find_verb(name + " " + word)->summary, 15);
    text += fmt::format("\n`fewlabel {} VERB --help` says more.\n", name);
    if (!verb->alone) return text;
  }
  std::string positionals, flags;
  for (const auto& option : line.options(name)) {
    std::string left = option.names;
    if (const auto comma = left.find(','); comma != std::string::npos) left.insert(comma + 1, " ");
    if (!option.value.empty()) left += " " + option.value;
    (option.positional ? positionals : flags) += entry(left, option.help, 22);
  }
  if (!positionals.empty()) text += "\nArguments:\n" + positionals;
  text += "\nOptions:\n" + flags;
  if (!verb->more.empty()) text += "\n" + wrap(verb->more, 0);
  return text;
}

std::string help_markdown(const CommandLine& line) {
  std::string text =
      "# Command line\n\n<!-- Written by `make docs` from the program's own help; do not edit. -->\n\n"
      "What a verb finds out goes to standard output, everything else to standard error; `--json` gives the former to\n"
      "other programs. Only the bar of a training on a terminal is coloured, and NO_COLOR=1 turns that off. Files are\n"
      "replaced whole or not at all.\n\n```text\n" +
      help_overview() + "```\n";
  for (const auto& verb : all_verbs()) {
    text += fmt::format("\n## fewlabel {}\n\n```text\n{}```\n", verb.name, help_text(line, std::string(verb.name)));
  }
  return text;
}

}  // namespace fewlabel
