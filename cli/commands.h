// The verbs that the front answers by itself. Each writes to standard output and throws Error.
#pragma once
#include <string>

#include "cli/options.h"

namespace fewlabel {

void show_methods(const Options& options);
void show_recipes(const Options& options);
void show_encoders(const Options& options);
void get_encoders(const Options& options);  // encoders get
void show_runs(const Options& options);     // runs ls, show, compare, prune
void show_report(const Options& options);
void show_data(const Options& options);  // data inspect, split

/// The completion script for bash, zsh or fish.
std::string completion_script(const std::string& shell, const CommandLine& line);

}  // namespace fewlabel
