// fewlabel: the program that people call. It answers by itself what needs no libtorch, within milliseconds; training,
// evaluation, prediction and doctor are handed to fewlabel-engine, which takes half a second to load.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "cli/catalogue.h"
#include "cli/commands.h"
#include "cli/guard.h"
#include "cli/help.h"
#include "cli/recipes.h"
#include "cli/verbs.h"
#include "core/console.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/version.h"

namespace {

using namespace fewlabel;

/// Becomes the engine, with the same command line.
[[noreturn]] void become_engine(char** argv) {
  // OpenMP's threads wait for each other by spinning, by default for so long that one busy core beside a training slows
  // it tenfold. GCC's runtime reads this once, as the engine starts; a user's own setting wins.
  setenv("GOMP_SPINCOUNT", "10000", 0);
  const auto here = program_folder();
  for (const auto& path : {here / "fewlabel-engine", here / "../libexec/fewlabel/fewlabel-engine"}) {
    if (access(path.c_str(), X_OK) != 0) continue;
    execv(path.c_str(), argv);
    throw Error(ErrorKind::failure, path.string(), fmt::format("cannot be started: {}", std::strerror(errno)));
  }
  throw Error(ErrorKind::failure, "fewlabel", fmt::format("fewlabel-engine is not beside {}", here.string()),
              "install the program again; both files belong together");
}

void show_help(const Options& options, const CommandLine& line) {
  const std::string topic = join(options.words, " ");
  if (topic == "config")
    std::cout << (options.markdown ? config_markdown : config_help)(method_catalogue_at_build());
  else if (options.markdown)
    std::cout << help_markdown(line);
  else
    std::cout << help_text(line, topic);
}

void run(int argc, char** argv) {
  CommandLine line;
  const Options options = line.parse({argv + 1, argv + argc});
  const Verb& verb = *find_verb(options.verb);
  if (verb.engine) become_engine(argv);
  if (verb.name == "help") show_help(options, line);
  if (verb.name == "version") std::cout << "fewlabel " << FEWLABEL_VERSION << '\n';
  if (verb.name == "methods") show_methods(options);
  if (verb.name == "recipes") show_recipes(options);
  if (verb.name == "encoders") show_encoders(options);
  if (verb.name == "encoders get") get_encoders(options);
  if (verb.name == "report") show_report(options);
  if (verb.name == "completion") std::cout << completion_script(options.words[0], line);
  if (verb.name.starts_with("runs ")) show_runs(options);
  if (verb.name.starts_with("data ")) show_data(options);
}

}  // namespace

int main(int argc, char** argv) {
  fill_closed_streams();
  end_quietly_on_closed_pipe();
  return guarded([&] { run(argc, argv); });
}
