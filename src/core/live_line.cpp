#include "core/live_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>

#include "core/console.h"

namespace fewlabel {
namespace {

constexpr auto kBarEvery = std::chrono::milliseconds(100);
constexpr auto kJsonEvery = std::chrono::seconds(1);
constexpr auto kLineEvery = std::chrono::seconds(10);
constexpr int kColumns = 80, kBar = 20;

/// Whose bar the terminal shows.
std::atomic<const LiveLine*> standing_bar{nullptr};

bool wants_colour() {
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return !(off && *off) && !(terminal && std::string_view(terminal) == "dumb");
}

}  // namespace

LiveLine::LiveLine(ProgressMode mode, std::FILE* out) : mode_(mode), out_(out) {
  const bool terminal = ::isatty(::fileno(out)) != 0;
  if (mode_ == ProgressMode::bar && !terminal) mode_ = ProgressMode::plain;
  colour_ = mode_ == ProgressMode::bar && wants_colour();
}

LiveLine::~LiveLine() { end(); }

int LiveLine::columns() const {
  if (mode_ != ProgressMode::bar) return kColumns + 40;
  return static_cast<int>(terminal_columns(out_, kColumns).value_or(kColumns));
}

bool LiveLine::due() const {
  const auto passed = Clock::now() - last_;
  switch (mode_) {
    case ProgressMode::bar:
      return passed >= kBarEvery;
    case ProgressMode::plain:
      return passed >= kLineEvery;
    case ProgressMode::json:
      return passed >= kJsonEvery;
    case ProgressMode::none:
      break;
  }
  return false;
}

void LiveLine::draw(const std::string& text) {
  restart();
  if (mode_ == ProgressMode::plain) tell(out_, text + "\n");
  if (mode_ != ProgressMode::bar) return;
  tell(out_, fmt::format("\r\033[K{}{}{}", colour_ ? "\033[36m" : "", text, colour_ ? "\033[0m" : ""));
  standing_bar = this;
}

bool LiveLine::standing() const { return mode_ != ProgressMode::bar || standing_bar == this; }

void LiveLine::print(std::string_view lines) {
  clear();
  tell(out_, lines);
}

void LiveLine::print_folded(std::string_view lines) {
  clear();
  tell_folded(out_, lines);
}

void LiveLine::clear() {
  if (mode_ == ProgressMode::bar && standing_bar.exchange(nullptr)) tell(out_, "\r\033[K");
}

void LiveLine::end() {
  const LiveLine* own = this;
  if (standing_bar.compare_exchange_strong(own, nullptr)) tell(out_, "\n");
}

std::string bar_of(double share) {
  const auto filled = static_cast<std::size_t>(std::lround(std::clamp(share, 0., 1.) * kBar));
  return "[" + std::string(filled, '#') + std::string(kBar - filled, '-') + "]";
}

}  // namespace fewlabel
