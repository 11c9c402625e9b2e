#include "report/metric_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <optional>

#include "core/files.h"
#include "core/json_text.h"
#include "fewlabel/error.h"
#include "report/tensorboard.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kMostBytes = 1u << 30;

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A file that is only ever added to, one write() a piece: the one kind that is no Artifact, as it is never whole.
class Appender {
 public:
  explicit Appender(fs::path path) : path_(std::move(path)) { open(); }
  ~Appender() { ::close(descriptor_); }
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  const fs::path& path() const { return path_; }
  void add(std::string_view piece) {
    while (!piece.empty()) {
      const ssize_t written = ::write(descriptor_, piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw_storage(path_, "write", errno);
      piece.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void replace(std::string_view content) {
    write_file(path_, content, Durability::durable);
    ::close(descriptor_);
    open();
  }
  void sync() {
    if (::fsync(descriptor_) != 0) throw_storage(path_, "flush", errno);
  }

 private:
  void open() {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw_storage(path_, "write", errno);
  }
  fs::path path_;
  int descriptor_ = -1;
};

std::string read_bounded(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return {};
  if (size > kMostBytes)
    throw Error(ErrorKind::storage, path.string(), "the file is larger than 1 GB, which no training writes",
                "move it away");
  return read_file(path);
}

std::optional<MetricLine> parse_line(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) return std::nullopt;
  MetricLine line;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_number()) continue;
    if (key == "step")
      line.step = value.get<int64_t>();
    else if (key == "seconds")
      line.seconds = value.get<double>();
    else
      line.values.emplace_back(key, value.get<double>());
  }
  return line;
}

// Calls visit(line with its end, parsed line) for each whole, undamaged line.
template <typename Visit>
void each_line(std::string_view text, Visit visit) {
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const auto whole = text.substr(0, end + 1);
    text.remove_prefix(end + 1);
    if (auto line = parse_line(whole)) visit(whole, std::move(*line));
  }
}

fs::path events_path(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().filename().string().starts_with("events.out.tfevents.")) found.push_back(entry->path());
  if (found.empty()) return folder / fmt::format("events.out.tfevents.{:.0f}.fewlabel", wall_time());
  return *std::min_element(found.begin(), found.end());
}

}  // namespace

struct MetricLog::Impl {
  explicit Impl(const RunFolder& run) : lines(run.metrics()), events(events_path(run.path())) { begin_events(); }
  void begin_events() {
    std::error_code error;
    if (fs::file_size(events.path(), error) == 0 && !error) events.add(tfevents_header(wall_time()));
  }
  Appender lines, events;
};

MetricLog::MetricLog(const RunFolder& run) : impl_(std::make_unique<Impl>(run)) {}
MetricLog::~MetricLog() = default;
MetricLog::MetricLog(MetricLog&&) noexcept = default;
MetricLog& MetricLog::operator=(MetricLog&&) noexcept = default;

void MetricLog::add(const MetricLine& line) {
  std::string text = fmt::format(R"({{"step": {}, "seconds": {:.3f})", line.step, line.seconds);
  Metrics finite;
  for (const auto& [name, value] : line.values) {
    const std::string key = json_text(Json(name));
    if (std::isfinite(value)) finite.emplace_back(name, value);
    text += std::isfinite(value) ? fmt::format(", {}: {:.7g}", key, value) : fmt::format(", {}: null", key);
  }
  impl_->lines.add(text + "}\n");
  impl_->events.add(tfevents_scalars(wall_time(), line.step, finite));
}

void MetricLog::truncate_after(int64_t step) {
  std::string kept;
  each_line(read_bounded(impl_->lines.path()), [&](std::string_view whole, const MetricLine& line) {
    if (line.step <= step) kept += whole;
  });
  impl_->lines.replace(kept);
  impl_->events.replace(tfevents_until(read_bounded(impl_->events.path()), step));
  impl_->begin_events();
}

void MetricLog::sync() {
  impl_->lines.sync();
  impl_->events.sync();
}

std::vector<MetricLine> read_metrics(const RunFolder& run) {
  std::vector<MetricLine> lines;
  each_line(read_bounded(run.metrics()), [&](std::string_view, MetricLine line) { lines.push_back(std::move(line)); });
  return lines;
}

}  // namespace fewlabel
