#include "train/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/console.h"
#include "core/json_text.h"
#include "core/text.h"

namespace fewlabel {
namespace {

constexpr auto kBarEvery = std::chrono::milliseconds(100);
constexpr auto kLineEvery = std::chrono::seconds(10);
constexpr int kColumns = 80, kBar = 20;

bool wants_colour() {
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return !(off && *off) && !(terminal && std::string_view(terminal) == "dumb");
}

}  // namespace

std::string progress_line(const ProgressState& state, int columns) {
  const auto& [step, steps, rate, eta] = state.step;
  const double share = steps > 0 ? static_cast<double>(step) / static_cast<double>(steps) : 0;
  const auto filled = static_cast<std::size_t>(std::lround(std::clamp(share, 0., 1.) * kBar));
  std::string front = fmt::format("{}  {}/{}", state.name, with_commas(step), with_commas(steps));
  const std::string loss = state.has_loss ? fmt::format(" loss {:.3f}", state.loss) : "";
  const std::string kept = state.has_kept ? fmt::format("  kept {:.0f} %", 100 * state.kept) : "";
  const std::string speed = fmt::format("  {} img/s", with_commas(std::llround(rate)));
  const std::string left = step < steps ? fmt::format("  {} left", duration(eta)) : "  done";
  const std::string bar = " [" + std::string(filled, '#') + std::string(kBar - filled, '-') + "]";
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

Progress::Progress(ProgressMode mode, std::FILE* out) : mode_(mode), out_(out) {
  const bool terminal = ::isatty(::fileno(out)) != 0;
  if (mode_ == ProgressMode::bar && !terminal) mode_ = ProgressMode::plain;
  colour_ = mode_ == ProgressMode::bar && wants_colour();
}

Progress::~Progress() { end(); }

void Progress::begin(const std::string& name) {
  end();
  state_ = {};
  state_.name = name;
  shown_ = true;
  last_ = Clock::now();
}

void Progress::step(const StepRecord& record) {
  state_.step = record;
  shown_ = false;
  const auto now = Clock::now();
  const bool due = (mode_ == ProgressMode::bar && now - last_ >= kBarEvery) ||
                   (mode_ == ProgressMode::plain && now - last_ >= kLineEvery);
  if (!due) return;
  last_ = now;
  show();
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
  if (mode_ != ProgressMode::json) return;
  const Json line = {{"event", "log"},        {"name", state_.name},     {"step", record.step},
                     {"steps", record.steps}, {"values", record.values}, {"timing", record.timing}};
  tell(out_, json_text(line) + "\n");
}

void Progress::show() {
  shown_ = true;
  const auto columns = static_cast<int>(terminal_columns(out_, kColumns).value_or(kColumns));
  const std::string line = progress_line(state_, mode_ == ProgressMode::bar ? columns : kColumns + 40);
  if (mode_ == ProgressMode::plain) {
    tell(out_, line + "\n");
  } else if (mode_ == ProgressMode::bar) {
    tell(out_, fmt::format("\r\033[K{}{}{}", colour_ ? "\033[36m" : "", line, colour_ ? "\033[0m" : ""));
    drawn_ = true;
  }
}

void Progress::clear() {
  if (drawn_) tell(out_, "\r\033[K");
  drawn_ = false;
}

void Progress::say(const std::string& sentence) {
  if (mode_ == ProgressMode::none) return;
  const bool drawn = drawn_;
  clear();
  if (mode_ == ProgressMode::json)
    tell(out_, json_text(Json{{"event", "message"}, {"text", sentence}}) + "\n");
  else
    tell_folded(out_, sentence + "\n");
  if (drawn) show();
}

void Progress::end() {
  if (!shown_ && (mode_ == ProgressMode::bar || mode_ == ProgressMode::plain)) show();
  if (drawn_) tell(out_, "\n");
  drawn_ = false;
  shown_ = true;
}

}  // namespace fewlabel
