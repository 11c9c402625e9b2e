#include "core/work_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/json_text.h"
#include "core/text.h"

namespace fewlabel {

std::string work_line(const WorkState& state, int columns) {
  const auto done = static_cast<double>(state.done), total = static_cast<double>(state.total);
  std::string front = fmt::format("{}  {}", state.name, with_commas(state.done)), bar, back;
  if (state.total > 0) {
    front += "/" + with_commas(state.total);
    bar = " " + bar_of(done / total);
  }
  const double rate = state.seconds > 0 ? done / state.seconds : 0;
  if (rate >= 1) back += fmt::format("  {} a second", with_commas(std::llround(rate)));
  if (state.ended)
    back += "  " + duration(state.seconds);
  else if (rate > 0 && state.total > state.done)
    back += fmt::format("  {} left", duration((total - done) / rate));
  std::string line = front + bar + back;
  if (static_cast<int>(line.size()) >= columns) line = front + back;
  if (static_cast<int>(line.size()) >= columns) line.resize(static_cast<std::size_t>(std::max(columns - 1, 0)));
  return line;
}

WorkLines::WorkLines(ProgressMode mode, std::FILE* out) : line_(mode, out) {
  if (mode != ProgressMode::none) listen_to_work([this](const WorkState& state) { show(state); });
}

WorkLines::~WorkLines() {
  if (line_.mode() != ProgressMode::none) listen_to_work({});
}

void WorkLines::show(const WorkState& state) {
  if (!state.ended && !line_.due()) return;
  if (line_.mode() == ProgressMode::json) {
    line_.restart();
    const Json json = {{"event", "work"},
                       {"name", state.name},
                       {"done", state.done},
                       {"total", state.total},
                       {"seconds", std::round(10 * state.seconds) / 10}};
    line_.print(json_text(json) + "\n");
  } else if (state.ended && line_.mode() == ProgressMode::bar) {
    line_.clear();
  } else {
    line_.draw(work_line(state, line_.columns()));
  }
}

}  // namespace fewlabel
