// fewlabel runs, fewlabel report.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "cli/commands.h"
#include "core/files.h"
#include "core/json_text.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "report/compare.h"
#include "report/html.h"
#include "report/markup.h"
#include "report/run_tables.h"

namespace fewlabel {
namespace {

/// A terminal gets lines that fit, a file or a program whole names.
std::size_t width() { return isatty(STDOUT_FILENO) ? 80 : 0; }

void print(const Options& options, const Json& json, const std::string& text) {
  std::cout << (options.json ? json_text(json, 2) + "\n" : text);
}

/// The runs in the folder that was named, which must be there, or else in runs/.
std::vector<RunFolder> named_runs(const Options& options, const std::string& root) {
  std::error_code ignored;
  if (!options.words.empty() && !std::filesystem::is_directory(root, ignored))
    throw Error(ErrorKind::usage, root,
                std::filesystem::exists(root, ignored) ? "is no folder" : "there is no such folder",
                "give the folder that holds the run folders; `fewlabel " + options.verb + "` alone looks into runs/");
  return list_runs(root);
}

/// Run folders, and for the folder of a sweep its runs in the order of the grid.
std::vector<RunFolder> compared_runs(const std::vector<std::string>& words) {
  std::vector<RunFolder> runs;
  for (const auto& word : words) {
    const std::filesystem::path sweep = std::filesystem::path(word) / "sweep.json";
    std::error_code ignored;
    if (!std::filesystem::exists(sweep, ignored)) {
      runs.push_back(RunFolder::open(word));
      continue;
    }
    const Json state = Json::parse(read_file(sweep), nullptr, false);
    if (!state.is_object()) throw Error(ErrorKind::storage, sweep.string(), "is damaged");
    for (const auto& cell : list_of(state, "cells"))
      if (const auto path = std::filesystem::path(word) / text_of(cell, "name");
          std::filesystem::exists(path / "status.json", ignored))
        runs.push_back(RunFolder::open(path));
  }
  if (runs.size() < 2)
    throw Error(ErrorKind::usage, "runs compare", "there is nothing to compare with", "name two runs or more");
  return runs;
}

std::string prune_text(const Json& pruned) {
  std::string text;
  for (const auto& item : pruned.at("removed"))
    text += fmt::format("{}  {}\n", item.at("path").get<std::string>(), bytes_text(item.at("bytes").get<double>()));
  return text;
}

}  // namespace

void show_runs(const Options& options) {
  const std::string root = options.words.empty() ? "runs" : options.words[0];
  if (options.verb == "runs ls") {
    const auto runs = named_runs(options, root);
    if (runs.empty() && !options.json) std::cerr << fmt::format("fewlabel: there are no runs in {}\n", root);
    const Json json = runs_json(runs);
    if (!runs.empty() || options.json) print(options, json, runs_text(json, width()));
  } else if (options.verb == "runs show") {
    const Json json = run_json(RunFolder::open(root));
    print(options, json, run_text(json, width()));
  } else if (options.verb == "runs compare") {
    const auto runs = compared_runs(options.words);
    const Json json = compare_json(runs);
    if (options.csv || options.markdown)
      std::cout << (options.csv ? compare_csv(json) : compare_markdown(json));
    else
      print(options, json, compare_text(json, width()));
  } else {
    const Json pruned =
        prune_runs(named_runs(options, root), options.keep, options.remove ? Prune::remove : Prune::list);
    print(options, pruned, prune_text(pruned));
    std::cerr << fmt::format("fewlabel: {} {}{}\n", bytes_text(pruned.at("bytes").get<double>()),
                             options.remove ? "removed" : "could be removed",
                             options.remove || pruned.at("removed").empty() ? "" : "; --remove does it");
  }
}

void show_report(const Options& options) {
  const auto run = RunFolder::open(options.words[0]);
  write_report(run);
  std::cout << run.report().string() << '\n';
}

}  // namespace fewlabel
