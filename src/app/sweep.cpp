#include "app/sweep.h"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include "app/method_settings.h"
#include "app/planning.h"
#include "app/recipe_stages.h"
#include "app/watch.h"
#include "core/cancel.h"
#include "core/command.h"
#include "core/console.h"
#include "core/files.h"
#include "core/json_text.h"
#include "core/number.h"
#include "core/text.h"
#include "core/work_lines.h"
#include "fewlabel/dataset.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "plan/grid.h"
#include "plan/recipe.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr const char *kWaiting = "waiting", *kRunning = "running", *kFinished = "finished", *kStopped = "stopped",
                     *kFailed = "failed";

std::string key_value(const std::pair<std::string, std::string>& setting) {
  return setting.first + "=" + setting.second;
}

/// What can be refused is refused before any work.
void check_cell(const std::string& recipe_path, const std::vector<std::string>& overrides) {
  const Json recipe = read_recipe(recipe_path, overrides);
  if (is_chain(recipe)) {
    stage_recipes(recipe, overrides);
    return;
  }
  TrainConfig config = train_config(with_method_settings(recipe), method_keys());
  if (config.method.contains("name")) check_method(config.method);
  if (config.data.path.empty())
    throw Error(ErrorKind::usage, "config", "data is missing",
                "for example data=FOLDER or data=fashion_mnist@100:seed=0");
}

/// demo-sweep for the recipe fashion_mnist/demo, photos-sweep for data=photos@40.
std::string folder_stem(const TrainRequest& request, const std::vector<std::string>& fixed) {
  std::string name;
  if (!request.recipe.empty()) {
    name = fs::path(request.recipe).stem().string();
  } else {
    const std::string data = read_recipe("", fixed).value("/data/path"_json_pointer, std::string());
    if (!data.empty()) name = fs::path(parse_split(data).data).lexically_normal().filename().string();
  }
  return name.empty() ? "sweep" : name + "-sweep";
}

class Sweep {
 public:
  explicit Sweep(const SweepRequest& request) : request_(request) {}

  Json run() {
    request_.train.resume ? reopen() : start();
    const std::size_t count = state_["cells"].size();
    for (std::size_t i = 0; i < count; ++i) {
      Json& cell = state_["cells"][i];
      if (settle(cell)) continue;
      stop_if_cancelled();
      say(fmt::format("{}run {} of {}: {}\n", i ? "\n" : "", i + 1, count, cell["name"].get<std::string>()));
      train(cell);
    }
    return result();
  }

 private:
  void say(const std::string& text) const { fewlabel::say(request_.train.chatter, text); }
  fs::path path_of(const Json& cell) const { return folder_ / cell["name"].get<std::string>(); }
  void save() const { write_file(folder_ / "sweep.json", json_text(state_, 2) + "\n", Durability::durable); }

  void start() {
    const TrainRequest& train = request_.train;
    std::vector<std::string> words;
    for (const std::string& word : train.overrides)
      if (word.starts_with("out="))
        folder_ = word.substr(word.find('=') + 1);
      else
        words.push_back(word);
    const Grid grid = make_grid(words);
    state_ = {{"command", train.command},
              {"working_folder", fs::current_path().string()},
              {"minutes", train.minutes},
              {"fixed", grid.fixed},
              {"cells", Json::array()}};
    for (const GridCell& cell : grid.cells) {
      Json settings = Json::object();
      std::vector<std::string> overrides = grid.fixed;
      for (const auto& setting : cell.settings) {
        settings[setting.first] = setting.second;
        overrides.push_back(key_value(setting));
      }
      try {
        check_cell(train.recipe, overrides);
      } catch (const Error& error) {
        throw Error(error.kind(), grid.cells.size() > 1 ? cell.name + ", " + error.where() : error.where(),
                    error.message(), error.hint());
      }
      state_["cells"].push_back({{"name", cell.name}, {"settings", settings}, {"state", kWaiting}});
    }
    if (folder_.empty()) folder_ = free_run_path("runs", folder_stem(train, grid.fixed));
    std::error_code ignored;
    if (fs::exists(folder_, ignored) && !(fs::is_directory(folder_, ignored) && fs::is_empty(folder_, ignored)))
      throw Error(ErrorKind::usage, folder_.string(),
                  fs::exists(folder_ / "sweep.json", ignored) ? "there is a sweep in this folder already"
                                                              : "is not an empty folder",
                  "go on with a sweep by --resume, or choose another folder with out=NAME");
    make_folder(folder_);
    lock_.emplace(folder_ / ".lock", "the sweep");
    if (!train.recipe.empty()) write_file(folder_ / "recipe.toml", read_file(train.recipe), Durability::durable);
    save();
  }

  void reopen() {
    for (const std::string& word : request_.train.overrides)
      if (word.starts_with("out="))
        folder_ = word.substr(word.find('=') + 1);
      else
        throw Error(ErrorKind::usage, "sweep", fmt::format("{} would change a sweep that is under way", word),
                    "leave it out, or start a new sweep");
    if (folder_.empty())
      throw Error(ErrorKind::usage, "sweep", "--resume needs the sweep to go on with",
                  "fewlabel sweep --resume FOLDER");
    if (!fs::exists(folder_ / "sweep.json"))
      throw Error(ErrorKind::usage, folder_.string(), "is no folder of a sweep: sweep.json is missing",
                  "the sweep says where it writes as it begins; by default runs/NAME-sweep");
    lock_.emplace(folder_ / ".lock", "the sweep");
    state_ = Json::parse(read_file(folder_ / "sweep.json"), nullptr, false);
    if (!state_.is_object() || !state_.contains("cells") || !state_["cells"].is_array())
      throw Error(ErrorKind::storage, (folder_ / "sweep.json").string(), "is damaged", "start a new sweep");
    // Relative paths of the data are those of the folder where the sweep began.
    const std::string there = state_.value("working_folder", "");
    std::error_code error;
    if (const fs::path here = fs::current_path(); !there.empty() && here != fs::path(there)) {
      const fs::path folder = fs::absolute(folder_);
      fs::current_path(there, error);
      if (!error) folder_ = folder;
    }
  }

  /// Whether the cell is finished, as its run folder has it: sweep.json may be older after a kill.
  bool settle(Json& cell) const {
    const fs::path path = path_of(cell);
    std::error_code ignored;
    const bool finished =
        fs::exists(path / "status.json", ignored) && RunFolder::open(path).status().state == RunState::finished;
    if (finished) note(cell, kFinished, 0, "");
    return finished;
  }

  static void note(Json& cell, const char* state, int code, const std::string& error) {
    cell["state"] = state;
    for (const char* key : {"exit_code", "error"}) cell.erase(key);
    if (code != 0) cell["exit_code"] = code;
    if (!error.empty()) cell["error"] = error;
  }

  /// The training of the cell as the command line would ask for it.
  Json cell_request(const Json& cell) const {
    const fs::path path = path_of(cell);
    std::error_code ignored;
    const bool begun = fs::exists(path / "stages.json", ignored);
    Json request = {{"recipe", ""},
                    {"overrides", Json::array()},
                    {"minutes", 0},
                    {"resume", begun},
                    {"overwrite", !begun},
                    {"chatter", static_cast<int>(request_.train.chatter)},
                    {"answer", (folder_ / ".answer").string()}};
    std::vector<std::string> command = {"fewlabel", "train"};
    if (begun) {
      command.emplace_back("--resume");
    } else {
      if (fs::exists(folder_ / "recipe.toml", ignored)) {
        request["recipe"] = (folder_ / "recipe.toml").string();
        command.push_back(shell_word(request["recipe"]));
      }
      request["overrides"] = state_["fixed"];
      for (const auto& [key, value] : cell["settings"].items())
        request["overrides"].push_back(key + "=" + value.get<std::string>());
      request["minutes"] = state_.value("minutes", 0.0);
      if (request["minutes"] > 0) {
        command.emplace_back("--minutes");
        command.push_back(number_text(request["minutes"]));
      }
    }
    request["overrides"].push_back("out=" + path.string());
    for (const Json& word : request["overrides"]) command.push_back(shell_word(word));
    request["command"] = join(command, " ");
    return request;
  }

  /// A run whose sweep was killed ends by itself, once it has saved.
  static void wait_for_lock(const fs::path& lock) {
    for (int i = 0; i < 300 && FileLock::held(lock) && !cancelled(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

  void train(Json& cell) {
    wait_for_lock(path_of(cell) / ".lock");
    const Json request = cell_request(cell);
    const fs::path answer = request["answer"].get<std::string>();
    std::error_code ignored;
    fs::remove(answer, ignored);
    note(cell, kRunning, 0, "");
    save();
    std::vector<std::string> argv = request_.program;
    argv.push_back(json_text(request));
    const Ended ended = run_program(argv, [] {
      const auto kind = cancelled();
      return !kind ? 0 : *kind == ErrorKind::interrupted ? SIGINT : SIGTERM;
    });
    std::string error;
    if (fs::exists(answer, ignored)) error = read_file(answer);
    fs::remove(answer, ignored);
    // A signal before the training listens for it ends the process.
    const bool asked = cancelled() && (ended.signal == SIGINT || ended.signal == SIGTERM);
    const bool stopped =
        asked || ended.code == exit_code(ErrorKind::interrupted) || ended.code == exit_code(ErrorKind::terminated);
    if (ended.signal != 0 && !asked && error.empty())
      error = fmt::format("was ended by signal {}{}", ended.signal,
                          ended.signal == SIGKILL ? ", as happens when memory runs out" : "");
    const bool fine = ended.code == 0 && ended.signal == 0;
    note(cell, fine ? kFinished : stopped ? kStopped : kFailed, ended.code, error);
    save();
    if (!fine && !stopped)
      say(fmt::format("this run failed; it is noted in {}, and the others go on\n", (folder_ / "sweep.json").string()));
    if (!fine) stop_if_cancelled();
  }

  void stop_if_cancelled() const {
    const auto kind = cancelled();
    if (!kind) return;
    std::size_t done = 0;
    for (const Json& cell : state_["cells"]) done += cell["state"] == kFinished;
    throw Error(*kind, "sweep", fmt::format("stopped; {} of {} runs are finished", done, state_["cells"].size()),
                "go on with: fewlabel sweep --resume " + shell_word(folder_.string()));
  }

  Json result() {
    save();
    std::vector<RunFolder> runs;
    int64_t failed = 0;
    for (const Json& cell : state_["cells"])
      if (cell["state"] == kFinished)
        runs.push_back(RunFolder::open(path_of(cell)));
      else
        ++failed;
    return {{"folder", folder_.string()},
            {"cells", state_["cells"]},
            {"failed", failed},
            {"comparison", compare_json(runs)}};
  }

  const SweepRequest& request_;
  fs::path folder_;
  std::optional<FileLock> lock_;
  Json state_;  // sweep.json
};

}  // namespace

Json sweep(const SweepRequest& request) { return Sweep(request).run(); }

void check_sweep(const Json& result) {
  const auto failed = result.at("failed").get<int64_t>();
  if (failed == 0) return;
  std::vector<std::string> names;
  for (const Json& cell : result.at("cells"))
    if (cell["state"] != kFinished) names.push_back(cell["name"]);
  const std::string folder = result.at("folder");
  throw Error(ErrorKind::failure, folder,
              fmt::format("{} of {} runs failed: {}", failed, result.at("cells").size(), join(names, ", ")),
              "sweep.json in it says why; to try them again: fewlabel sweep --resume " + shell_word(folder));
}

int train_cell(const std::string& request) {
  const Json asked = Json::parse(request);
  const auto chatter = static_cast<Chatter>(asked.at("chatter").get<int>());
  watch_signals();
  const WorkLines lines(progress_mode(chatter));
  try {
    fewlabel::train({.recipe = asked.at("recipe"),
                     .overrides = asked.at("overrides"),
                     .minutes = asked.at("minutes"),
                     .resume = asked.at("resume"),
                     .overwrite = asked.at("overwrite"),
                     .dry_run = false,
                     .chatter = chatter,
                     .command = asked.at("command")});
    return 0;
  } catch (const std::exception& error) {
    const Error told = as_error(error);
    if (!is_stop(told.kind())) {  // of a stop the sweep speaks itself
      tell_folded(stderr, fmt::format("fewlabel: {}\n", told.what()));
      try {
        write_file(asked.at("answer").get<std::string>(), told.what(), Durability::atomic);
      } catch (const Error&) {  // a full disk; the exit code still tells
      }
    }
    return exit_code(told.kind());
  }
}

}  // namespace fewlabel
