// A run: the folder with all that one training left behind, readable without fewlabel. docs/run-folder.md describes
// every file. Free of libtorch. A RunFolder may be moved between threads, not used from several at once.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fewlabel/config.h"

namespace fewlabel {

class FileLock;
class Heartbeat;

enum class RunState { running, finished, interrupted, failed };
std::string_view to_string(RunState state);

/// status.json.
struct RunStatus {
  RunState state = RunState::running;
  int64_t pid = 0;        // filled in by write_status
  std::string host;       // filled in by write_status
  std::string started;    // UTC, "2026-11-23T08:15:00Z"; filled in at the first write_status
  std::string heartbeat;  // UTC; filled in by write_status
  std::string stage;      // that is under way; empty before the first and after the last
  int64_t step = 0, steps = 0;
  int exit_code = 0;    // of a run that ended
  std::string message;  // why it failed; one sentence
};

enum class Existing { refuse, overwrite };

/// Paths, status and lock of one run folder. Files are written durably, heartbeats as scratch (core/files.h).
class RunFolder {
 public:
  /// Makes the folder and locks it for as long as the object lives. A run whose training began is Error{usage} unless
  /// `overwrite`; the files of a run are removed and nothing else; a folder that holds other things is always
  /// Error{usage}. Throws Error{storage}: in use by another process, read-only, disk full.
  static RunFolder create(const std::filesystem::path& path, Existing existing = Existing::refuse);
  /// What create() would refuse without touching anything; throws the same.
  static void check(const std::filesystem::path& path, Existing existing = Existing::refuse);
  /// Opens a run in order to go on with it, and locks it. Error{usage} when there is none, Error{storage} when in use.
  static RunFolder resume(const std::filesystem::path& path);
  /// Opens a run to look at it, without a lock. Error{usage} when there is none.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::string name() const;  // the folder's name

  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path plan() const { return path_ / "plan.toml"; }
  std::filesystem::path command() const { return path_ / "command.txt"; }
  std::filesystem::path environment() const { return path_ / "env.json"; }
  std::filesystem::path data() const { return path_ / "data.json"; }
  std::filesystem::path status_file() const { return path_ / "status.json"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path summary() const { return path_ / "summary.json"; }
  std::filesystem::path evaluation() const { return path_ / "evaluation.json"; }
  std::filesystem::path predictions() const { return path_ / "predictions.csv"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path model() const { return path_ / "model"; }
  std::filesystem::path samples() const { return path_ / "samples"; }
  std::filesystem::path probes() const { return path_ / "probes.json"; }
  std::filesystem::path report() const { return path_ / "report.html"; }

  /// Writes status.json with this process' pid and the time. Needs the lock (create or resume). A change of state is
  /// durable and throws Error{storage}; while it stays `running`, steps are written as they come and a heartbeat every
  /// ten seconds, neither of which can end a training.
  void write_status(RunStatus status);
  /// As written, but `interrupted` when it says `running`, nobody holds the lock, and it was this machine or the last
  /// heartbeat is two minutes old (locks may not reach from one machine to another). A missing or damaged file reads as
  /// interrupted at step 0.
  RunStatus status() const;

  /// A JSON file of the run, or null when it is missing or not JSON.
  Json read_json(const std::filesystem::path& file) const;
  /// Pretty-printed, durably.
  void write_json(const std::filesystem::path& file, const Json& json) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  void lock();
  std::filesystem::path path_;
  std::string started_;
  std::shared_ptr<FileLock> lock_;
  std::shared_ptr<Heartbeat> heartbeat_;
};

/// The first of runs/<stem>, runs/<stem>-2, runs/<stem>-3 … that does not exist; characters other than letters, digits,
/// '.', '_' and '-' become '-'.
std::filesystem::path free_run_path(const std::filesystem::path& root, std::string_view stem);

/// The runs directly below `root`, newest first; an absent root gives none.
std::vector<RunFolder> list_runs(const std::filesystem::path& root);

/// `runs ls`: one object a run {name, state, step, steps, method, data, accuracy, supervised_accuracy, linear_accuracy,
/// started, seconds}.
Json runs_json(const std::vector<RunFolder>& runs);
std::string runs_text(const Json& runs);  // aligned, in 80 columns where names stay distinct

/// `runs show`: status, summary, command, files with their sizes.
Json run_json(const RunFolder& run);
std::string run_text(const Json& run);

/// `runs compare`: {names, summary: [{key, values[]}], plan: [{key, values[]}], groups: [{runs[], settings, figures}]}:
/// figures side by side, the lines of plan.toml that differ, and {mean, sd, count} of runs that differ in seed alone.
Json compare_json(const std::vector<RunFolder>& runs);
std::string compare_text(const Json& comparison);

enum class Prune { list, remove };
/// `runs prune`: the checkpoints of finished runs but the newest `keep`; runs that are locked or unfinished are left
/// alone. Returns {removed: [{path, bytes}], bytes}; only `remove` deletes.
Json prune_runs(const std::vector<RunFolder>& runs, int64_t keep = 1, Prune what = Prune::list);

}  // namespace fewlabel
