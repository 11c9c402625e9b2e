// Which settings hold where nobody says any: the one place that calls a run short.
#pragma once
#include <string_view>

#include "fewlabel/config.h"

namespace fewlabel {

/// paper: those of the method's authors, for hundreds of thousands of updates. brief: those for a few thousand
/// (docs/decisions/0003).
enum class Preset { paper, brief };
std::string_view to_string(Preset preset);  // paper, short

/// Runs below this many updates, and those with a budget in minutes, are short.
inline constexpr int64_t kLongRun = 100'000;

/// What `preset` says, else by train.steps. `recipe` is as written, overrides applied. Throws Error{usage}.
Preset preset_of(const Json& recipe);

}  // namespace fewlabel
