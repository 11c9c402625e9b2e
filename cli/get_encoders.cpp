// fewlabel encoders get.
#include <fmt/format.h>

#include <csignal>
#include <iostream>

#include "cli/commands.h"
#include "cli/guard.h"
#include "cli/help.h"
#include "core/cancel.h"
#include "core/command.h"
#include "core/json_text.h"
#include "core/text.h"
#include "encoders/encoders.h"
#include "hub/get_encoder.h"

namespace fewlabel {
namespace {

Json as_json(const GotEncoder& got) {
  Json files = Json::object();
  for (const GotFile& file : got.files)
    files[file.name] = {{"bytes", file.bytes}, {"sha256", file.sha256}, {"checked", file.checked}};
  return {{"name", got.name},           {"title", got.title},   {"kind", to_string(got.kind)},
          {"licence", got.licence},     {"commit", got.commit}, {"folder", got.folder.string()},
          {"already_there", got.there}, {"files", files}};
}

}  // namespace

void get_encoders(const Options& options) {
  watch_signals();
  std::signal(SIGPIPE, SIG_IGN);  // of a server that goes away
  const GotEncoder got = get_encoder({options.words.at(0), options.revision, options.to, options.progress});
  end_quietly_on_closed_pipe();
  if (options.json) {
    std::cout << json_text(as_json(got), 2) << '\n';
    return;
  }
  int64_t bytes = 0;
  for (const GotFile& file : got.files) bytes += file.bytes;
  std::cout << fmt::format(
      "{}: of {}s, {}, {}{}\n", printable(got.title), word_for_one(got.kind), bytes_text(static_cast<double>(bytes)),
      got.licence.empty() ? "licence unknown" : printable(got.licence), got.there ? ", already there" : "");
  for (const GotFile& file : got.files)
    std::cout << fmt::format("  {}  {}, {}\n    SHA-256 {}\n", file.name, bytes_text(static_cast<double>(file.bytes)),
                             file.checked ? "as the hub says" : "of which the hub says no hash", file.sha256);
  const bool by_name = got.folder.parent_path() == std::filesystem::absolute(encoder_folder()).lexically_normal();
  std::cout << fmt::format("It lies in {}: encoder={}\n", printable(got.folder.string()),
                           printable(shell_word(by_name ? got.name : got.folder.string())));
}

}  // namespace fewlabel
