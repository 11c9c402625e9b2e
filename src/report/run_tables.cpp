// What `runs ls`, `runs show`, `runs compare` and `runs prune` show and do.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "report/markup.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

// Characters, not bytes: so that names in any script line up.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0u) != 0x80u; }));
}

std::string cut_to(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::size_t bytes = 0;
  for (std::size_t seen = 0; bytes < text.size(); ++bytes)
    if ((static_cast<uint8_t>(text[bytes]) & 0xC0u) != 0x80u && ++seen == width) break;
  return text.substr(0, bytes) + "…";
}

// Columns as wide as they need, two spaces apart; when that is more than 80, the widest are cut.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return {};
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  const auto total = [&] {
    std::size_t sum = 2 * (widths.size() - 1);
    for (const auto width : widths) sum += width;
    return sum;
  };
  while (total() > 80) {
    auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= 4) break;
    --*widest;
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string value = cut_to(row[c], widths[c]);
      line += value + std::string(widths[c] - width_of(value) + 2, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string percent_or_dash(const Json& json, std::string_view key) {
  const auto value = number_of(json, key);
  return value ? fmt::format("{:.1f}", 100 * *value) : "–";
}

// A name from a file could move the cursor or change colours of the terminal.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) c = '?';
  return text;
}

std::string cell_text(const Json& value) {
  if (value.is_null()) return "–";
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  return printable(value.is_string() ? value.get<std::string>()
                                     : value.dump(-1, ' ', false, Json::error_handler_t::replace));
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

// key = value lines of a plan, keys with their table's name in front.
std::vector<std::pair<std::string, std::string>> plan_lines(const RunFolder& run) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string text, prefix;
  try {
    text = read_file(run.plan());
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
    if (!name.starts_with("step-") || entry->is_symlink(ignored)) continue;
    const std::string digits = name.substr(5, name.find_first_not_of("0123456789", 5) - 5);
    if (!digits.empty() && digits.size() < 18) found.emplace_back(std::stoll(digits), entry->path());
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
    list.push_back(std::move(item));
  }
  return list;
}

std::string runs_text(const Json& runs) {
  if (runs.empty()) return "no runs here yet; `fewlabel train` makes one\n";
  std::vector<std::vector<std::string>> rows = {{"run", "state", "step", "method", "data", "accuracy", "labels alone"}};
  for (const auto& run : runs) {
    const auto step = number_of(run, "step").value_or(0), steps = number_of(run, "steps").value_or(0);
    rows.push_back({printable(text_of(run, "name")), text_of(run, "state"),
                    steps > 0 && step < steps ? fmt::format("{:.0f}/{:.0f}", step, steps) : fmt::format("{:.0f}", step),
                    printable(text_of(run, "method")), printable(text_of(run, "data")),
                    number_of(run, "linear_accuracy") && !number_of(run, "accuracy")
                        ? percent_or_dash(run, "linear_accuracy") + " linear"
                        : percent_or_dash(run, "accuracy"),
                    percent_or_dash(run, "supervised_accuracy")});
  }
  return table(rows);
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

std::string run_text(const Json& run) {
  std::vector<std::vector<std::string>> rows;
  for (const char* key : {"name", "path", "state", "message", "step", "steps", "started", "heartbeat"})
    if (run.contains(key) && run[key] != "") rows.push_back({key, cell_text(run[key])});
  for (const auto& [key, value] : object_of(run, "summary").items())
    if (!value.is_structured() && key != "name") rows.push_back({key, cell_text(value)});
  std::string text = table(rows) + "\n";
  rows.clear();
  for (const auto& file : list_of(run, "files"))
    rows.push_back({printable(text_of(file, "name")), bytes_text(number_of(file, "bytes").value_or(0))});
  return text + table(rows);
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
    for (const auto& [key, value] : plan_lines(runs[i])) collect(plan, keys, i, runs.size(), key, value);
  }
  for (const auto& row : plan) {
    const Json& values = row["values"];
    if (std::any_of(values.begin(), values.end(), [&](const Json& value) { return value != values[0]; }))
      result["plan"].push_back(row);
  }
  return result;
}

std::string compare_text(const Json& comparison) {
  std::string text;
  for (const auto& [part, title] : {std::pair{"summary", "figures"}, {"plan", "settings that differ"}}) {
    std::vector<std::vector<std::string>> rows = {{title}};
    for (const auto& name : list_of(comparison, "names")) rows[0].push_back(cell_text(name));
    for (const auto& row : list_of(comparison, part)) {
      std::vector<std::string> cells = {cell_text(row["key"])};
      for (const auto& value : list_of(row, "values")) cells.push_back(cell_text(value));
      rows.push_back(std::move(cells));
    }
    if (rows.size() > 1) text += (text.empty() ? "" : "\n") + table(rows);
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
    const auto checkpoints = numbered_checkpoints(run.checkpoints());
    const auto spare = static_cast<int64_t>(checkpoints.size()) - std::max<int64_t>(keep, 0);
    for (int64_t i = 0; i < spare; ++i) {
      const fs::path& path = checkpoints[static_cast<std::size_t>(i)];
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
