#include "train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/json_text.h"
#include "core/text.h"

namespace fewlabel {

std::string progress_line(const ProgressState& state, int columns) {
  const auto& [step, steps, rate, eta] = state.step;
  const double share = steps > 0 ? static_cast<double>(step) / static_cast<double>(steps) : 0;
  std::string front = fmt::format("{}  {}/{}", state.name, with_commas(step), with_commas(steps));
  const std::string loss = state.has_loss ? fmt::format(" loss {:.3f}", state.loss) : "";
  const std::string kept = state.has_kept ? fmt::format("  kept {:.0f} %", 100 * state.kept) : "";
  const std::string speed = fmt::format("  {} ex/s", with_commas(std::llround(rate)));
  const std::string left = step < steps ? fmt::format("  {} left", duration(eta)) : "  done";
  const std::string bar = " " + bar_of(share);
  // Narrow terminals lose the bar first, then one figure after another.
  std::string line;
  for (const std::string& shorter : {front + bar + loss + kept + speed + left, front + loss + kept + speed + left,
                                     front + loss + kept + left, front + loss + left, front + left, front}) {
    line = shorter;
    if (static_cast<int>(line.size()) < columns) return line;
  }
  line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(columns - 1, 0))));
  return line;
}

Progress::Progress(ProgressMode mode, std::FILE* out) : line_(mode, out) {}

Progress::~Progress() { end(); }

void Progress::begin(const std::string& name) {
  end();
  state_ = {};
  state_.name = name;
  line_.restart();
}

void Progress::step(const StepRecord& record) {
  state_.step = record;
  open_ = true;
  shown_ = false;
  if (line_.due()) show();
}

void Progress::log(const LogRecord& record) {
  const auto take = [&record](const char* name, double& into) {
    const auto found = record.values.find(name);
    if (found == record.values.end()) return false;
    into = found->second;
    return true;
  };
  state_.has_loss = take("loss", state_.loss);
  state_.has_kept = take("pseudo_labels/kept", state_.kept);
  if (line_.mode() != ProgressMode::json) return;
  const Json line = {{"event", "log"},        {"name", state_.name},     {"step", record.step},
                     {"steps", record.steps}, {"values", record.values}, {"timing", record.timing}};
  line_.print(json_text(line) + "\n");
}

void Progress::show() {
  shown_ = true;
  line_.draw(progress_line(state_, line_.columns()));
}

void Progress::say(const std::string& sentence) {
  if (line_.mode() == ProgressMode::none) return;
  const bool drawn = line_.mode() == ProgressMode::bar && line_.standing();
  if (line_.mode() == ProgressMode::json)
    line_.print(json_text(Json{{"event", "message"}, {"text", sentence}}) + "\n");
  else
    line_.print_folded(sentence + "\n");
  if (drawn) show();
}

void Progress::end() {
  if (open_ && (!shown_ || !line_.standing())) show();  // another's line may have come over the last one
  line_.end();
  open_ = false;
}

}  // namespace fewlabel
