// Completion scripts, made from the same tables as the parser and the help.
#include <fmt/format.h>

#include <algorithm>

#include "cli/catalogue.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/recipes.h"
#include "cli/verbs.h"
#include "core/text.h"

namespace fewlabel {
namespace {

/// What may follow one verb.
struct Completion {
  std::string verb;
  std::vector<std::string> words;  // verbs, names, keys
  std::vector<std::string> flags;
  bool files = false;
};

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const auto& method : method_catalogue_at_build()) names.push_back(method.at("name"));
  return names;
}

std::vector<std::string> long_flags(const std::vector<OptionInfo>& options) {
  std::vector<std::string> flags;
  for (const auto& option : options)
    for (const auto& name : split_text(option.names, ','))
      if (name.starts_with("--")) flags.push_back(name);
  return flags;
}

std::vector<Completion> completions(const CommandLine& line) {
  std::vector<Completion> result;
  std::vector<std::string> recipes;
  for (const auto& recipe : all_recipes()) recipes.push_back(recipe.name);
  for (const auto& verb : all_verbs()) {
    Completion item{std::string(verb.name), inner_names(verb.name), long_flags(line.options(verb.name)), false};
    if (verb.name == "train" || verb.name == "sweep") {
      item.words = recipes;
      for (const auto& key : config_keys(method_catalogue_at_build())) item.words.push_back(key + "=");
      for (const auto& name : method_names()) item.words.push_back("method=" + name);
    } else if (verb.name == "methods") {
      item.words = method_names();
    } else if (verb.name == "recipes") {
      item.words = recipes;
    } else if (verb.name == "completion") {
      item.words = {"bash", "zsh", "fish"};
    } else if (verb.name == "help") {
      item.words = verb_names();
      item.words.emplace_back("config");
    }
    const auto options = line.options(verb.name);
    item.files =
        verb.name == "train" || verb.name == "sweep" ||
        (item.words.empty() && std::any_of(options.begin(), options.end(), [](const auto& o) { return o.positional; }));
    result.push_back(std::move(item));
  }
  return result;
}

/// `case` branches that set words and files for "$verb"; the same text serves bash and zsh.
std::string branches(const CommandLine& line) {
  std::string text;
  for (const auto& item : completions(line))
    text += fmt::format("    '{}') words='{}'; flags='{}'; files={} ;;\n", item.verb, join(item.words, " "),
                        join(item.flags, " "), item.files ? "yes" : "no");
  return text;
}

std::string groups() {
  std::vector<std::string> names;
  for (const auto& name : verb_names())
    if (!inner_names(name).empty()) names.push_back(name);
  return join(names, "|");
}

std::string bash_script(const CommandLine& line) {
  return fmt::format(R"(# fewlabel completion for bash: source <(fewlabel completion bash)
_fewlabel() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} words flags files verb
  # bash breaks words at '='; put "key = val" together again.
  if [[ $current == = ]]; then
    current="${{COMP_WORDS[COMP_CWORD-1]}}="
  elif [[ $COMP_CWORD -ge 2 && ${{COMP_WORDS[COMP_CWORD-1]}} == = ]]; then
    current="${{COMP_WORDS[COMP_CWORD-2]}}=$current"
  fi
  verb=${{COMP_WORDS[1]}}
  case $verb in {}) [[ $COMP_CWORD -gt 2 ]] && verb="$verb ${{COMP_WORDS[2]}}" ;; esac
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W '{} --help --version' -- "$current"))
    return
  fi
  case $verb in
{}    *) return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
    return
  fi
  if [[ $current == data=* || $current == out=* ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "${{current#*=}}"))
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ $files == yes ]]; then
    COMPREPLY+=($(compgen -f -- "$current"))
    compopt -o filenames 2>/dev/null
  fi
  [[ ${{COMPREPLY[0]-}} == *= ]] && compopt -o nospace 2>/dev/null
  if [[ $current == *=* ]]; then
    COMPREPLY=("${{COMPREPLY[@]#*=}}")
  fi
}}
complete -F _fewlabel fewlabel
)",
                     groups(), join(verb_names(), " "), branches(line));
}

std::string zsh_script(const CommandLine& line) {
  return fmt::format(R"(#compdef fewlabel
# fewlabel completion for zsh: source <(fewlabel completion zsh), after compinit
_fewlabel() {{
  local words_ flags files verb=${{words[2]}}
  case $verb in {}) (( CURRENT > 3 )) && verb="$verb ${{words[3]}}" ;; esac
  if (( CURRENT == 2 )); then
    compadd -- {} --help --version
    return
  fi
  case $verb in
{}    *) return ;;
  esac
  if [[ ${{words[CURRENT]}} == -* ]]; then
    compadd -- ${{=flags}}
    return
  fi
  local -a plain keys
  local word
  for word in ${{=words_}}; do
    if [[ $word == *= ]]; then keys+=($word); else plain+=($word); fi
  done
  (( $#plain )) && compadd -- $plain
  (( $#keys )) && compadd -S '' -- $keys
  [[ $files == yes ]] && _files
}}
compdef _fewlabel fewlabel
)",
                     groups(), join(verb_names(), " "), [&] {
                       std::string text = branches(line);  // zsh keeps the command line itself in `words`
                       for (std::size_t at = 0; (at = text.find(") words=", at)) != std::string::npos; at += 9)
                         text.replace(at, 8, ") words_=");
                       return text;
                     }());
}

std::string fish_script(const CommandLine& line) {
  std::string text = "# fewlabel completion for fish: fewlabel completion fish | source\ncomplete -c fewlabel -f\n";
  for (const auto& verb : all_verbs()) {
    const auto space = verb.name.find(' ');
    if (space == std::string_view::npos)
      text += fmt::format("complete -c fewlabel -n __fish_use_subcommand -a {} -d '{}'\n", verb.name, verb.summary);
  }
  for (const auto& item : completions(line)) {
    const auto parts = split_text(item.verb, ' ');
    std::string when = "__fish_seen_subcommand_from " + parts[0];
    if (parts.size() > 1) when += "; and __fish_seen_subcommand_from " + parts[1];
    for (const auto& flag : item.flags)
      text += fmt::format("complete -c fewlabel -n '{}' -l {}\n", when, flag.substr(2));
    if (!item.words.empty()) text += fmt::format("complete -c fewlabel -n '{}' -a '{}'\n", when, join(item.words, " "));
    if (item.files) text += fmt::format("complete -c fewlabel -n '{}' -F\n", when);
  }
  return text;
}

}  // namespace

std::string completion_script(const std::string& shell, const CommandLine& line) {
  return shell == "bash" ? bash_script(line) : shell == "zsh" ? zsh_script(line) : fish_script(line);
}

}  // namespace fewlabel
