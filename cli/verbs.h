// What each verb is for, in words: the one table behind --help, `fewlabel help`, docs/cli.md and completion.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel {

struct Example {
  std::string_view command, what;
};

struct Verb {
  std::string_view name;     // "train", "runs show"
  std::string_view summary;  // one line
  std::vector<Example> examples;
  std::string_view more;  // paragraphs after the options; may be empty
  bool engine = false;    // needs libtorch
  bool alone = false;     // a group that is a verb by itself, too
};

/// In the order in which help lists them; a group such as "runs" comes before its "runs ls".
const std::vector<Verb>& all_verbs();
/// Null when there is none.
const Verb* find_verb(std::string_view name);
/// First words only: train, evaluate …
std::vector<std::string> verb_names();
/// Second words of a group: inspect, split for "data"; empty for the others.
std::vector<std::string> inner_names(std::string_view group);

}  // namespace fewlabel
