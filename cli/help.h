// Help texts, at most 80 columns, examples first; and the same as pages of the documentation.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "core/wrap.h"

namespace fewlabel {

/// Two columns: names, padded to `column`, and help, wrapped.
std::string entry(std::string_view left, std::string_view right, std::size_t column);

/// `fewlabel --help`.
std::string help_overview();
/// `fewlabel VERB --help`; empty: the overview. Throws Error{usage} with the nearest names.
std::string help_text(const CommandLine& line, const std::string& verb);
/// docs/cli.md.
std::string help_markdown(const CommandLine& line);
/// `fewlabel help config`: every key of train and of the methods in `catalogue` (app's method_catalogue()).
std::string config_help(const Json& catalogue);
/// docs/configuration.md.
std::string config_markdown(const Json& catalogue);
/// All configuration keys, dotted, as completion offers them.
std::vector<std::string> config_keys(const Json& catalogue);

/// Shown at the end of help and of docs/cli.md.
struct ExitCode {
  int code;
  std::string_view meaning;
};
const std::vector<ExitCode>& exit_codes();

}  // namespace fewlabel
