// What `runs ls`, `runs show` and `runs prune` show and do.
#include <fmt/format.h>

#include <algorithm>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "report/compare.h"
#include "report/markup.h"
#include "report/plan_lines.h"
#include "report/run_tables.h"
#include "report/text_table.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kTerminal = 80;

std::string step_text(const Json& run) {
  const auto step = number_of(run, "step").value_or(0), steps = number_of(run, "steps").value_or(0);
  return steps > 0 && step < steps ? fmt::format("{:.0f}/{:.0f}", step, steps) : fmt::format("{:.0f}", step);
}

std::string percent_or_dash(const Json& json, std::string_view key) {
  const auto value = number_of(json, key);
  return value ? fmt::format("{:.1f}", 100 * *value) : "–";
}

int64_t bytes_of(const fs::path& path) {
  std::error_code error;
  if (fs::is_symlink(path, error)) return 0;
  if (!fs::is_directory(path, error)) {
    const auto size = fs::file_size(path, error);
    return error ? 0 : static_cast<int64_t>(size);
  }
  int64_t sum = 0;
  for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error))
    if (entry->is_regular_file(error) && !entry->is_symlink(error))
      sum += static_cast<int64_t>(entry->file_size(error));
  return sum;
}

// What a run without a summary was told, as far as that is known; of a chain, its last stage.
Json told(const RunFolder& run, const std::string& key) {
  for (const fs::path& path : {run.plan(), run.config()}) {
    Json found;
    for (const auto& [name, value] : plan_lines(path))
      if (name == key || name == "stage." + key) found = unquoted(value);
    if (!found.is_null()) return found;
  }
  return nullptr;
}

std::vector<fs::path> numbered_checkpoints(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (const auto step = number_after(name, "step-"); step && !entry->is_symlink(ignored))
      found.emplace_back(*step, entry->path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

}  // namespace

Json runs_json(const std::vector<RunFolder>& runs) {
  Json list = Json::array();
  for (const auto& run : runs) {
    const RunStatus status = run.status();
    const Json summary = run.read_json(run.summary());
    Json item = {{"name", run.name()},
                 {"state", to_string(status.state)},
                 {"step", status.step},
                 {"steps", status.steps},
                 {"started", status.started}};
    for (const auto& [key, from] : {std::pair{"method", "method"},
                                    {"data", "data"},
                                    {"accuracy", "accuracy"},
                                    {"supervised_accuracy", "supervised_accuracy"},
                                    {"linear_accuracy", "linear_accuracy"},
                                    {"seconds", "train_seconds"}})
      item[key] = summary.is_object() && summary.contains(from) ? summary[from] : Json(nullptr);
    if (item["method"].is_null()) item["method"] = told(run, "method.name");
    if (item["data"].is_null()) item["data"] = told(run, "data.path");
    list.push_back(std::move(item));
  }
  return list;
}

std::string runs_text(const Json& runs) { return runs_text(runs, kTerminal); }

std::string runs_text(const Json& runs, std::size_t width) {
  if (runs.empty()) return "no runs here yet; `fewlabel train` makes one\n";
  Rows rows = {{"run", "state", "step", "method", "data", "accuracy", "labels alone"}};
  for (const auto& run : runs) {
    rows.push_back({printable(text_of(run, "name")), text_of(run, "state"), step_text(run),
                    printable(text_of(run, "method")), printable(text_of(run, "data")),
                    number_of(run, "linear_accuracy") && !number_of(run, "accuracy")
                        ? percent_or_dash(run, "linear_accuracy") + " linear"
                        : percent_or_dash(run, "accuracy"),
                    percent_or_dash(run, "supervised_accuracy")});
  }
  return cut_table(rows, width);
}

Json run_json(const RunFolder& run) {
  const RunStatus status = run.status();
  Json json = {{"name", run.name()},
               {"path", run.path().string()},
               {"state", to_string(status.state)},
               {"step", status.step},
               {"steps", status.steps},
               {"started", status.started},
               {"heartbeat", status.heartbeat},
               {"summary", run.read_json(run.summary())},
               {"files", Json::array()}};
  if (!status.message.empty()) json["message"] = status.message;
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(run.path(), error), end; !error && entry != end; entry.increment(error))
    if (entry->path().filename() != ".lock") files.push_back(entry->path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files)
    json["files"].push_back({{"name", file.filename().string()}, {"bytes", bytes_of(file)}});
  return json;
}

std::string run_text(const Json& run) { return run_text(run, kTerminal); }

std::string run_text(const Json& run, std::size_t width) {
  Rows rows;
  for (const char* key : {"name", "path", "state", "message", "step", "started", "heartbeat"})
    if (run.contains(key) && run[key] != "")
      rows.push_back({key, key == std::string_view("step") ? step_text(run) : cell_text(run[key])});
  for (const auto& [key, value] : object_of(run, "summary").items())
    if (!value.is_structured() && key != "name") rows.push_back({key, cell_text(value)});
  std::string text = folded_table(rows, width) + "\n";
  rows.clear();
  for (const auto& file : list_of(run, "files"))
    rows.push_back({printable(text_of(file, "name")), bytes_text(number_of(file, "bytes").value_or(0))});
  return text + folded_table(rows, width);
}

Json prune_runs(const std::vector<RunFolder>& runs, int64_t keep, Prune what) {
  Json removed = Json::array();
  int64_t sum = 0;
  for (const auto& run : runs) {
    if (run.status().state != RunState::finished) continue;
    std::unique_ptr<FileLock> lock;
    if (what == Prune::remove) {
      try {
        lock = std::make_unique<FileLock>(run.path() / ".lock", "the run");
      } catch (const Error&) {
        continue;  // somebody goes on with it
      }
    }
    std::vector<fs::path> spare = numbered_checkpoints(run.checkpoints());
    spare.resize(static_cast<std::size_t>(
        std::max<int64_t>(0, static_cast<int64_t>(spare.size()) - std::max<int64_t>(keep, 0))));
    // Those of stages serve nothing once the whole is finished.
    std::error_code none;
    for (fs::directory_iterator stage(run.path() / "stages", none), end; !none && stage != end; stage.increment(none))
      for (fs::path& path : numbered_checkpoints(stage->path() / "checkpoints")) spare.push_back(std::move(path));
    for (const fs::path& path : spare) {
      const int64_t bytes = bytes_of(path);
      if (what == Prune::remove) {
        std::error_code error;
        fs::remove_all(path, error);
        if (error) throw_storage(path, "remove", error.value());
      }
      removed.push_back({{"path", path.string()}, {"bytes", bytes}});
      sum += bytes;
    }
  }
  return {{"removed", removed}, {"bytes", sum}};
}

}  // namespace fewlabel
