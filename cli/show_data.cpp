// fewlabel data inspect, fewlabel data split.
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "core/cancel.h"
#include "core/files.h"
#include "core/json_text.h"
#include "core/work_lines.h"
#include "data/inspect.h"
#include "fewlabel/dataset.h"
#include "fewlabel/error.h"
#include "modalities/modalities.h"

namespace fewlabel {

void show_data(const Options& options) {
  if (options.verb == "data inspect") watch_signals();
  const WorkLines lines(options.progress);
  const SplitSpec spec = parse_split(options.words[0]);
  DataOptions data_options;
  data_options.strict = options.strict;
  const Dataset data = open_dataset(spec.data, data_options);
  const bool split = spec.labels || !spec.labels_file.empty();
  const auto chosen = split ? choose_labeled(*data.train, spec) : std::vector<int64_t>();
  if (options.verb == "data inspect") {
    Json found = inspect(data, *plain_modality(data.train->kind(), data_options), data_options);
    if (split) found["split"] = {{"name", to_string(spec)}, {"labeled", chosen.size()}};
    std::cout << (options.json ? json_text(found, 2) + "\n" : inspect_text(found));
    return;
  }
  if (!split)
    throw Error(ErrorKind::usage, "data split", fmt::format("'{}' does not say how many labels to keep", spec.data),
                fmt::format("for example {}@40:seed=0", spec.data));
  std::string names;
  for (const int64_t index : chosen) names += line_of_name(data.train->name(index)) + "\n";
  if (options.output.empty())
    std::cout << names;
  else
    write_file(options.output, names, Durability::atomic);
}

}  // namespace fewlabel
