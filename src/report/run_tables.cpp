// What `runs ls`, `runs show`, `runs compare` and `runs prune` show and do.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/files.h"
#include "core/json_text.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "report/markup.h"
#include "report/run_tables.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

using Rows = std::vector<std::vector<std::string>>;
constexpr std::size_t kTerminal = 80, kNarrowest = 4;

// The middle goes: names of runs differ in their first letters or in their last.
std::string cut_to(const std::string& text, std::size_t width) {
  if (columns(text) <= width) return text;
  std::vector<std::size_t> starts;  // of characters
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<uint8_t>(text[i]) & 0xC0u) != 0x80u) starts.push_back(i);
  const std::size_t tail = (width - 1) / 2, head = width - 1 - tail;
  return text.substr(0, starts[head]) + "…" + (tail ? text.substr(starts[starts.size() - tail]) : "");
}

// The least width at which the first cells of all rows are as distinct as they are whole.
std::size_t distinct_width(const Rows& rows) {
  const auto count = [&](std::size_t width) {
    std::set<std::string> cells;
    for (const auto& row : rows) cells.insert(width ? cut_to(row[0], width) : row[0]);
    return cells.size();
  };
  std::size_t width = kNarrowest;
  for (const std::size_t whole = count(0); count(width) < whole;) ++width;
  return width;
}

// Columns as wide as they need, two spaces apart; when that is more than `most`, the widest are cut.
std::string table(const Rows& rows, std::size_t most) {
  if (rows.empty()) return {};
  std::vector<std::size_t> widths(rows.front().size()), least(widths.size(), kNarrowest);
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], columns(row[c]));
  least[0] = distinct_width(rows);
  std::size_t total = 2 * (widths.size() - 1);
  for (const auto width : widths) total += width;
  for (; most > 0 && total > most; --total) {
    std::size_t widest = widths.size();
    for (std::size_t c = 0; c < widths.size(); ++c)
      if (widths[c] > least[c] && (widest == widths.size() || widths[c] > widths[widest])) widest = c;
    if (widest == widths.size()) break;
    --widths[widest];
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string value = cut_to(row[c], widths[c]);
      line += value + std::string(widths[c] - columns(value) + 2, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string step_text(const Json& run) {
  const auto step = number_of(run, "step").value_or(0), steps = number_of(run, "steps").value_or(0);
  return steps > 0 && step < steps ? fmt::format("{:.0f}/{:.0f}", step, steps) : fmt::format("{:.0f}", step);
}

std::string percent_or_dash(const Json& json, std::string_view key) {
  const auto value = number_of(json, key);
  return value ? fmt::format("{:.1f}", 100 * *value) : "–";
}

std::string cell_text(const Json& value) {
  if (value.is_null()) return "–";
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  return printable(value.is_string() ? value.get<std::string>() : json_text(value));
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

// key = value lines of a configuration, keys with their table's name in front.
std::vector<std::pair<std::string, std::string>> config_lines(const fs::path& path) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string text, prefix;
  try {
    text = read_file(path);
  } catch (const Error&) {
    return lines;
  }
  for (const auto& raw : split_text(text, '\n')) {
    const std::string line = trim(raw);
    const auto equals = line.find('=');
    if (line.starts_with('['))
      prefix = line.substr(1, line.find(']') - 1) + ".";
    else if (!line.empty() && line[0] != '#' && equals != std::string::npos)
      lines.emplace_back(prefix + trim(line.substr(0, equals)), trim(line.substr(equals + 1)));
  }
  return lines;
}

std::string unquoted(const std::string& value) {
  if (value.size() >= 2 && value.front() == '\'' && value.back() == '\'') return value.substr(1, value.size() - 2);
  const Json text = Json::parse(value, nullptr, false);
  return text.is_string() ? text.get<std::string>() : value;
}

// What a run without a summary was told, as far as that is known; of a chain, its last stage.
Json told(const RunFolder& run, const std::string& key) {
  for (const fs::path& path : {run.plan(), run.config()}) {
    Json found;
    for (const auto& [name, value] : config_lines(path))
      if (name == key || name == "stage." + key) found = unquoted(value);
    if (!found.is_null()) return found;
  }
  return nullptr;
}

void collect(Json& rows, std::vector<std::string>& order, std::size_t run, std::size_t runs, const std::string& key,
             const Json& value) {
  auto at = std::find(order.begin(), order.end(), key);
  if (at == order.end()) {
    order.push_back(key);
    rows.push_back({{"key", key}, {"values", std::vector<Json>(runs)}});
    at = order.end() - 1;
  }
  rows[static_cast<std::size_t>(at - order.begin())]["values"][run] = value;
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
  return table(rows, width);
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
  std::string text = table(rows, width) + "\n";
  rows.clear();
  for (const auto& file : list_of(run, "files"))
    rows.push_back({printable(text_of(file, "name")), bytes_text(number_of(file, "bytes").value_or(0))});
  return text + table(rows, width);
}

Json compare_json(const std::vector<RunFolder>& runs) {
  Json result = {{"names", Json::array()}, {"summary", Json::array()}, {"plan", Json::array()}};
  std::vector<std::string> figures, keys;
  Json plan = Json::array();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    result["names"].push_back(runs[i].name());
    const Json summary = runs[i].read_json(runs[i].summary());
    if (summary.is_object())
      for (const auto& [key, value] : summary.items())
        if (!value.is_structured() && key != "name" && key != "command")
          collect(result["summary"], figures, i, runs.size(), key, value);
    for (const auto& [key, value] : config_lines(runs[i].plan())) collect(plan, keys, i, runs.size(), key, value);
  }
  for (const auto& row : plan) {
    const Json& values = row["values"];
    if (std::any_of(values.begin(), values.end(), [&](const Json& value) { return value != values[0]; }))
      result["plan"].push_back(row);
  }
  return result;
}

std::string compare_text(const Json& comparison) { return compare_text(comparison, kTerminal); }

std::string compare_text(const Json& comparison, std::size_t width) {
  std::string text;
  for (const auto& [part, title] : {std::pair{"summary", "figures"}, {"plan", "settings that differ"}}) {
    Rows rows = {{title}};
    for (const auto& name : list_of(comparison, "names")) rows[0].push_back(cell_text(name));
    for (const auto& row : list_of(comparison, part)) {
      std::vector<std::string> cells = {cell_text(row["key"])};
      for (const auto& value : list_of(row, "values")) cells.push_back(cell_text(value));
      rows.push_back(std::move(cells));
    }
    if (rows.size() > 1) text += (text.empty() ? "" : "\n") + table(rows, width);
  }
  return text.empty() ? "neither a summary nor a plan to compare\n" : text;
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
