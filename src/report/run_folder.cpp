#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/files.h"
#include "core/json_text.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "report/heartbeat.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kMostJsonBytes = 256u << 20;
constexpr int kMostJsonDepth = 64;
constexpr std::string_view kLock = ".lock";
constexpr double kDead = 120;  // seconds without a heartbeat
constexpr std::string_view kEvents = "events.out.tfevents.";

// What --overwrite may remove: the names that a run writes, and no others.
constexpr std::array<std::string_view, 19> kOwn = {
    "config.toml",  "plan.toml",       "command.txt",     "env.json",    "data.json",   "status.json", "metrics.jsonl",
    "summary.json", "evaluation.json", "predictions.csv", "probes.json", "checkpoints", "model",       "samples",
    "baseline",     "report.html",     "stages",          "stages.json", "result.json"};

constexpr std::array<std::pair<RunState, std::string_view>, 4> kStates = {{{RunState::running, "running"},
                                                                           {RunState::finished, "finished"},
                                                                           {RunState::interrupted, "interrupted"},
                                                                           {RunState::failed, "failed"}}};

bool is_run(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path / "status.json", ignored) || fs::exists(path / "config.toml", ignored) ||
         fs::exists(path / "summary.json", ignored);
}

bool is_own(const std::string& name) {
  return std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end() || name.starts_with(kEvents) || is_temporary(name);
}

// A run that ended before its training began, by damaged data or a full disk, holds nothing that anybody wants back.
bool began(const fs::path& path) {
  std::error_code ignored;
  for (const char* name : {"stages.json", "summary.json", "metrics.jsonl"})
    if (fs::exists(path / name, ignored)) return true;
  return fs::exists(path / "checkpoints", ignored) && !fs::is_empty(path / "checkpoints", ignored);
}

// The lock and an empty folder for checkpoints are what a start that failed early leaves behind: they count for
// nothing.
bool has_content(const fs::path& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path name = entry->path().filename();
    std::error_code ignored;
    if (name != kLock && !(name == "checkpoints" && fs::is_empty(entry->path(), ignored))) return true;
  }
  if (error) throw_storage(path, "list the folder", error.value());
  return false;
}

void remove_run_files(const fs::path& path) {
  std::vector<fs::path> own;
  for (const auto& entry : fs::directory_iterator(path))
    if (is_own(entry.path().filename().string())) own.push_back(entry.path());
  for (const auto& file : own) {
    std::error_code error;
    fs::remove_all(file, error);  // a link goes, what it points to stays
    if (error) throw_storage(file, "remove", error.value());
  }
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

fs::path without_trailing_slash(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

[[noreturn]] void throw_no_run(const fs::path& path) {
  std::vector<std::string> names;
  for (const auto& run : list_runs(path.parent_path().empty() ? "." : path.parent_path())) names.push_back(run.name());
  std::error_code ignored;
  throw Error(ErrorKind::usage, path.string(),
              fs::exists(path, ignored) ? "this is not a run folder" : "there is no such run",
              names.empty() ? "a run folder is what `fewlabel train` writes, for example runs/demo"
                            : suggestion(path.filename().string(), names));
}

int64_t integer_or(const Json& json, const char* key, int64_t otherwise) {
  const auto at = json.find(key);
  return at != json.end() && at->is_number_integer() ? at->get<int64_t>() : otherwise;
}

std::string text_or_empty(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace

std::string_view to_string(RunState state) {
  for (const auto& [known, name] : kStates)
    if (known == state) return name;
  return "failed";
}

void RunFolder::check(const fs::path& path, Existing existing) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  if (!fs::is_directory(path, ignored))
    throw Error(ErrorKind::usage, path.string(), "a run folder cannot be made here: this is a file",
                "choose another folder with out=NAME");
  if (!has_content(path)) return;
  if (!is_run(path))
    throw Error(ErrorKind::usage, path.string(), "the folder is not empty and holds no run",
                "choose another folder with out=NAME");
  if (existing == Existing::refuse && began(path))
    throw Error(ErrorKind::usage, path.string(), "there is a run in this folder already",
                "add --resume to go on with it, --overwrite to replace it, or choose another with out=NAME");
}

RunFolder RunFolder::create(const fs::path& path, Existing existing) {
  RunFolder run(without_trailing_slash(path));
  check(run.path_, existing);
  make_folder(run.path_);
  run.lock();
  check(run.path_, existing);  // again, now that nobody else can write a run here
  remove_run_files(run.path_);
  make_folder(run.checkpoints());
  return run;
}

RunFolder RunFolder::resume(const fs::path& path) {
  RunFolder run = open(path);
  run.lock();
  return run;
}

void RunFolder::lock() {
  lock_ = std::make_shared<FileLock>(path_ / kLock, "the run");
  heartbeat_ = std::make_shared<Heartbeat>(status_file());
}

RunFolder RunFolder::open(const fs::path& path) {
  RunFolder run(without_trailing_slash(path));
  if (!is_run(run.path_)) throw_no_run(run.path_);
  return run;
}

std::string RunFolder::name() const {
  std::error_code ignored;
  const fs::path absolute = fs::absolute(path_, ignored).lexically_normal();
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

void RunFolder::write_status(RunStatus status) {
  if (started_.empty()) started_ = this->status().started;
  const std::string now = utc_now();
  if (started_.empty()) started_ = now;
  Json json = {{"state", to_string(status.state)},
               {"pid", ::getpid()},
               {"host", host_name()},
               {"started", started_},
               {"heartbeat", now},
               {"stage", status.stage},
               {"step", status.step},
               {"steps", status.steps},
               {"exit_code", nullptr}};
  if (status.state != RunState::running) json["exit_code"] = status.exit_code;
  if (!status.message.empty()) json["message"] = status.message;
  if (!heartbeat_) heartbeat_ = std::make_shared<Heartbeat>(status_file());
  heartbeat_->write(std::move(json));
}

RunStatus RunFolder::status() const {
  RunStatus status;
  status.state = RunState::interrupted;
  const Json json = read_json(status_file());
  if (!json.is_object()) return status;
  const std::string state = text_or_empty(json, "state");
  for (const auto& [known, name] : kStates)
    if (name == state) status.state = known;
  status.pid = integer_or(json, "pid", 0);
  status.host = text_or_empty(json, "host");
  status.started = text_or_empty(json, "started");
  status.heartbeat = text_or_empty(json, "heartbeat");
  status.stage = text_or_empty(json, "stage");
  status.step = integer_or(json, "step", 0);
  status.steps = integer_or(json, "steps", 0);
  status.exit_code = static_cast<int>(integer_or(json, "exit_code", 0));
  status.message = text_or_empty(json, "message");
  if (status.state == RunState::running && !FileLock::held(path_ / kLock) &&
      (status.host == host_name() || seconds_since(status.heartbeat) > kDead))
    status.state = RunState::interrupted;
  return status;
}

Json RunFolder::read_json(const fs::path& file) const {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error || size > kMostJsonBytes) return nullptr;
  std::string text;
  try {
    text = read_file(file);
  } catch (const Error&) {
    return nullptr;
  }
  // A file may come from elsewhere: deep nesting would end in a stack overflow when it is printed.
  bool deep = false;
  const auto shallow = [&](int depth, Json::parse_event_t, Json&) { return !(deep = deep || depth > kMostJsonDepth); };
  Json json = Json::parse(text, shallow, false);
  return json.is_discarded() || deep ? Json(nullptr) : json;
}

void RunFolder::write_json(const fs::path& file, const Json& json) const {
  // File names need not be UTF-8; a replacement character is better than no report.
  write_file(file, json_text(json, 2) + "\n", Durability::durable);
}

fs::path free_run_path(const fs::path& root, std::string_view stem) {
  std::string name = plain_name(stem);
  while (!name.empty() && name.back() == '-') name.pop_back();
  name.erase(0, name.find_first_not_of(".-"));
  if (name.empty()) name = "run";
  name.resize(std::min<std::size_t>(name.size(), 100));
  std::error_code ignored;
  fs::path path = root / name;
  for (int next = 2; fs::exists(path, ignored); ++next) path = root / fmt::format("{}-{}", name, next);
  return path;
}

std::vector<RunFolder> list_runs(const fs::path& root) {
  std::vector<std::pair<std::string, RunFolder>> found;
  std::error_code error;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_directory(ignored) || !is_run(entry->path())) continue;
    RunFolder run = RunFolder::open(entry->path());
    found.emplace_back(run.status().started, run);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second.name() < b.second.name();
  });
  std::vector<RunFolder> runs;
  for (auto& [started, run] : found) runs.push_back(std::move(run));
  return runs;
}

}  // namespace fewlabel
