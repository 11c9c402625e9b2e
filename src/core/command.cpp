#include "core/command.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/text.h"
#include "fewlabel/error.h"

extern char** environ;

namespace fewlabel {

std::string shell_word(const std::string& word) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("_-./=,:@%+", c); };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

Ended run_program(const std::vector<std::string>& argv, const std::function<int()>& pass_on) {
  constexpr auto kGlance = std::chrono::milliseconds(20);
  constexpr int kNotStarted = 127;
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = ::getpid(), child = ::fork();
  if (child < 0) throw Error(ErrorKind::failure, argv[0], fmt::format("cannot be started: {}", std::strerror(errno)));
  if (child == 0) {  // nothing here may take a lock that another thread of ours held
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() == parent) ::execv(words[0], words.data());
    ::_exit(kNotStarted);
  }
  int status = 0;
  for (bool sent = false;;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) break;
    if (const int signal = sent ? 0 : pass_on(); signal != 0) {
      ::kill(child, signal);
      sent = true;
    }
    std::this_thread::sleep_for(kGlance);
  }
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
  const int code = WEXITSTATUS(status);
  if (code == kNotStarted) throw Error(ErrorKind::failure, argv[0], "cannot be started");
  return {code, 0};
}

std::string output_of(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  std::vector<char*> words, variables;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const auto is_replaced = [&](std::string_view entry) {
    const auto name = entry.substr(0, entry.find('=') + 1);
    for (const std::string& added : environment)
      if (added.starts_with(name)) return true;
    return false;
  };
  for (char** entry = environ; *entry; ++entry)
    if (!is_replaced(*entry)) variables.push_back(*entry);
  for (const std::string& added : environment) variables.push_back(const_cast<char*>(added.c_str()));
  variables.push_back(nullptr);

  std::array<int, 2> pipe_ends{};
  if (::pipe(pipe_ends.data()) != 0) throw Error(ErrorKind::failure, argv[0], std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
  posix_spawn_file_actions_addclose(&actions, pipe_ends[1]);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, argv[0].c_str(), &actions, nullptr, words.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; !failed && (got = ::read(pipe_ends[0], buffer.data(), buffer.size())) != 0;) {
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) break;
  }
  ::close(pipe_ends[0]);
  if (failed) throw Error(ErrorKind::failure, argv[0], fmt::format("cannot be started: {}", std::strerror(failed)));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Error(ErrorKind::failure, join(argv, " "),
                WIFEXITED(status) ? fmt::format("ended with code {}", WEXITSTATUS(status))
                                  : fmt::format("was ended by signal {}", WTERMSIG(status)),
                "what it said is above");
  return text;
}

}  // namespace fewlabel
