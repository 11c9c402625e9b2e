// fewlabel-engine: the half of the program that needs libtorch; `fewlabel` starts it.
#include <fmt/format.h>

#include <csignal>
#include <iostream>
#include <string_view>

#include "app/app.h"
#include "app/sweep.h"
#include "cli/guard.h"
#include "cli/options.h"
#include "cli/show_results.h"
#include "core/cancel.h"
#include "core/console.h"
#include "core/json_text.h"
#include "core/work_lines.h"
#include "fewlabel/error.h"

namespace {

using namespace fewlabel;

void run(const std::vector<std::string>& arguments) {
  if (arguments == std::vector<std::string>{"__catalogue"}) {  // asked at build time, see embed_catalogue.cmake
    std::cout << method_catalogue().dump() << '\n';
    return;
  }
  const Options options = CommandLine().parse(arguments);
  // A benchmark keeps nothing and reports nothing, so that a signal may end it at once.
  if (options.verb != "bench" && options.verb != "doctor") watch_signals();
  const WorkLines lines(options.progress);
  if (options.verb == "train") {
    std::signal(SIGPIPE, SIG_IGN);  // a long run must not die because nobody reads its progress any more
    const Json summary = train(options.train);
    if (options.json) std::cout << json_text(summary) << '\n';
  } else if (options.verb == "sweep") {
    std::signal(SIGPIPE, SIG_IGN);
    const Json result = sweep({options.train, {"/proc/self/exe", "__cell"}});
    std::cout << (options.json ? json_text(result, 2) + "\n" : sweep_text(result));
    check_sweep(result);
  } else if (options.verb == "evaluate") {
    const Json result = evaluate(options.evaluate);
    std::cout << (options.json ? json_text(result, 2) + "\n" : evaluation_text(result));
  } else if (options.verb == "generate") {
    const Json result = generate(options.generate);
    std::cout << (options.json ? json_text(result, 2) + "\n" : made_text(result));
  } else if (options.verb == "embed") {
    const Json result = embed(options.embed);
    std::cout << (options.json ? json_text(result, 2) + "\n" : made_text(result));
  } else if (options.verb == "predict") {
    predict(options.predict);
  } else if (options.verb == "bench") {
    const Json result = bench(options.bench);
    std::cout << (options.json ? json_text(result, 2) + "\n" : bench_text(result));
  } else if (options.verb == "doctor") {
    const Json result = doctor();
    std::cout << (options.json ? json_text(result, 2) + "\n" : doctor_text(result));
  } else {
    throw Error(ErrorKind::usage, "fewlabel-engine", fmt::format("'{}' is a verb of fewlabel", options.verb),
                "call fewlabel instead of fewlabel-engine");
  }
}

}  // namespace

int main(int argc, char** argv) {
  fill_closed_streams();
  if (argc == 3 && argv[1] == std::string_view("__cell")) {  // one training of a sweep
    std::signal(SIGPIPE, SIG_IGN);
    return train_cell(argv[2]);
  }
  end_quietly_on_closed_pipe();
  return guarded([&] { run({argv + 1, argv + argc}); });
}
